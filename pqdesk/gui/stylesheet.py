"""The few things that a palette cannot say: buttons, cards, fields, scroll bars.

By class or by a dynamic property: `look` is what the thing is, `bulk` how large, `ink` the Role of a text, `tint` the
Role that an area has a little of. Nothing here touches tables, which style sheets slow down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtGui import QColor

from pqdesk.gui.palette import Role

PICTURES = ("chevron_up", "chevron_down", "check")
_INVERSE = (Role.BASE, Role.TEXT, Role.ACCENT)

_SHEET = """
QToolTip {{ border: 1px solid {hairline}; padding: 4px 6px; color: {text}; background: {base}; }}

QLabel#qt_msgbox_label {{ font-weight: 600; }}
QLabel#qt_msgbox_informativelabel {{ min-width: 400px; }}

QMenuBar {{ background: {window}; border-bottom: 1px solid {hairline}; padding: 2px 6px; }}
QMenuBar::item {{ padding: 4px 9px; border-radius: 4px; background: transparent; }}
QMenuBar::item:selected, QMenuBar::item:pressed {{ background: {hover}; }}
QMenu {{ background: {base}; border: 1px solid {hairline}; padding: 4px; }}
QMenu::item {{ padding: 5px 24px 5px 12px; border-radius: 4px; min-width: 120px; }}
QMenu::item:selected {{ background: {selection}; }}
QMenu::item:disabled {{ color: {input_border}; }}
QMenu::icon {{ padding-left: 8px; }}
QMenu::separator {{ height: 1px; background: {hairline}; margin: 4px 8px; }}

QPushButton {{
    min-height: 18px; padding: 4px 12px; border-radius: 4px;
    border: 1px solid {input_border}; background: {base}; color: {text};
}}
QPushButton[bulk="large"] {{ min-height: 24px; padding: 4px 16px; }}
QPushButton[bulk="large"]:focus {{ padding: 3px 15px; }}
QPushButton[bulk="tool"], QPushButton[bulk="tool"]:focus {{ padding: 4px 5px; min-width: 16px; }}
QPushButton[bulk="tool"]::menu-indicator {{ width: 0; }}
QPushButton:hover {{ background: {hover}; }}
QPushButton:pressed {{ background: {hairline}; }}
QPushButton:focus {{ border: 2px solid {accent}; padding: 3px 11px; }}
QPushButton:disabled {{ color: {input_border}; border-color: {hairline}; background: {window}; }}
QPushButton[look="primary"] {{ background: {accent}; border-color: {accent}; color: {on_accent}; }}
QPushButton[look="primary"]:hover {{ background: {accent_hover}; border-color: {accent_hover}; }}
QPushButton[look="primary"]:focus {{ border: 2px solid {text}; }}
QPushButton[look="primary"]:disabled {{
    background: {hairline}; border-color: {hairline}; color: {muted};
}}
QPushButton[look="quiet"] {{ border-color: transparent; background: transparent; }}
QPushButton[look="quiet"]:hover {{ background: {hover}; }}
QPushButton[look="quiet"]:checked {{ background: {selection}; color: {accent}; }}
QPushButton[look="quiet"]:focus {{ border: 2px solid {accent}; }}
QPushButton[look="link"] {{
    border-color: transparent; background: transparent; color: {accent}; padding: 4px 6px;
}}
QPushButton[look="link"]:hover {{ background: {hover}; }}
QPushButton[look="link"]:focus {{ border: 2px solid {accent}; padding: 3px 5px; }}
QPushButton[look="pill"] {{
    border: none; border-radius: 13px; padding: 4px 14px; background: {accent}; color: {on_accent}; font-weight: 600;
}}
QPushButton[look="pill"]:hover {{ background: {accent_hover}; }}
QPushButton[look="pill"]:focus {{ border: 2px solid {text}; padding: 2px 12px; }}

QFrame[look="card"] {{ background: {base}; border: 1px solid {hairline}; border-radius: 6px; }}
QFrame[look="hairline"] {{ background: {hairline}; border: none; }}
QFrame[look="code"] {{ background: {window}; border: 1px solid {hairline}; border-radius: 4px; }}
QWidget[look="page"] {{ background: {base}; }}
QFrame[look="page_header"] {{ background: {base}; border: none; border-bottom: 1px solid {hairline}; }}
QFrame[look="sidebar"] {{ background: {window}; border: none; border-right: 1px solid {hairline}; }}
QFrame[look="banner"] {{ border: none; border-bottom: 1px solid {hairline}; }}
QFrame[look="toast"] {{ background: {inverse_base}; border: none; border-radius: 6px; }}
QFrame[look="toast"] QLabel {{ color: {inverse_text}; }}
QFrame[look="toast"] QPushButton[look="link"] {{ color: {inverse_accent}; font-weight: 600; }}
QPlainTextEdit[look="clear"] {{ background: transparent; }}
QListWidget[look="places"] {{ background: {base}; padding: 6px 8px; outline: none; }}
QListWidget[look="places"]::item {{ padding: 6px 8px; border-radius: 4px; }}
QListWidget[look="places"]::item:hover {{ background: {hover}; }}
QListWidget[look="places"]::item:selected {{ background: {selection}; color: {text}; }}
QListWidget[look="places"]::item:focus {{ border: 2px solid {accent}; padding: 4px 6px; }}
QTreeWidget[look="palette"]::item {{ padding: 5px 6px; }}
QLabel[look="muted"] {{ color: {muted}; }}
QLabel[look="link"] {{ color: {accent}; }}
QLabel[look="error"] {{ color: {error}; }}
QLabel[look="mistake"] {{
    background: {base}; color: {error}; border: 1px solid {error}; border-radius: 4px; padding: 6px 8px;
}}
QLabel[look="strong"] {{ font-weight: 600; }}

QLineEdit, QComboBox, QSpinBox {{
    min-height: 18px; padding: 4px 8px; border: 1px solid {input_border}; border-radius: 4px;
    background: {base}; color: {text}; selection-background-color: {selection}; selection-color: {text};
}}
QLineEdit:focus, QComboBox:focus, QSpinBox:focus {{ border: 2px solid {accent}; padding: 3px 7px; }}
QLineEdit[look="bad"] {{ color: {error}; border-color: {error}; }}
QSpinBox {{ padding-right: 24px; }}
QSpinBox:focus {{ padding-right: 23px; }}
QSpinBox::up-button, QSpinBox::down-button {{
    subcontrol-origin: border; width: 22px; border: none; background: transparent;
}}
QSpinBox::up-button {{ subcontrol-position: top right; margin-top: 2px; }}
QSpinBox::down-button {{ subcontrol-position: bottom right; margin-bottom: 2px; }}
QSpinBox::up-button:hover, QSpinBox::down-button:hover {{ background: {hover}; }}
QSpinBox::up-arrow {{ image: url("{chevron_up}"); width: 10px; height: 10px; }}
QSpinBox::down-arrow {{ image: url("{chevron_down}"); width: 10px; height: 10px; }}
QCheckBox, QRadioButton {{ spacing: 8px; padding: 3px 2px; min-height: 20px; border: 2px solid transparent; }}
QCheckBox:focus, QRadioButton:focus {{ border-color: {accent}; border-radius: 4px; }}
QCheckBox::indicator, QRadioButton::indicator {{
    width: 14px; height: 14px; border: 1px solid {input_border}; background: {base};
}}
QCheckBox::indicator {{ border-radius: 3px; }}
QRadioButton::indicator {{ border-radius: 8px; }}
QCheckBox::indicator:hover, QRadioButton::indicator:hover {{ border-color: {accent}; }}
QCheckBox::indicator:checked {{ background: {accent}; border-color: {accent}; image: url("{check}"); }}
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled {{ border-color: {hairline}; }}
QCheckBox::indicator:checked:disabled {{ background: {input_border}; border-color: {input_border}; }}
QRadioButton::indicator:checked {{ width: 6px; height: 6px; border: 5px solid {accent}; }}
QProgressBar {{ border: none; border-radius: 3px; background: {hairline}; }}
QProgressBar::chunk {{ border-radius: 3px; background: {accent}; }}
QComboBox::drop-down {{ border: none; width: 22px; }}
QComboBox::down-arrow {{ image: url("{chevron_down}"); width: 12px; height: 12px; }}
QComboBox QAbstractItemView {{
    background: {base}; border: 1px solid {hairline}; selection-background-color: {selection};
    selection-color: {text}; outline: none;
}}

QTabWidget[look="parts"]::pane {{ border: none; }}
QTabWidget[look="parts"] {{ background: {base}; }}
QTabWidget[look="parts"] QTabBar {{ background: transparent; }}
QTabWidget[look="parts"] QTabBar::tab {{
    background: transparent; border: none; border-bottom: 2px solid transparent; padding: 6px 2px; margin: 0 9px;
    color: {muted};
}}
QTabWidget[look="parts"] QTabBar::tab:first {{ margin-left: 16px; }}
QTabWidget[look="parts"] QTabBar::tab:hover {{ color: {text}; }}
QTabWidget[look="parts"] QTabBar::tab:selected {{ color: {text}; border-color: {accent}; }}
QTabWidget[look="parts"] QTabBar::tab:focus {{ color: {accent}; }}
QTabWidget[look="parts"] QTabBar::tab:disabled {{ color: {input_border}; }}

QHeaderView {{ background: transparent; border: none; }}
QHeaderView::section {{
    background: transparent; color: {muted}; border: none; border-bottom: 1px solid {hairline}; padding: 0 8px;
}}

QStatusBar {{ background: {window}; border-top: 1px solid {hairline}; }}
QStatusBar::item {{ border: none; }}

QSplitter::handle {{ background: {hairline}; }}
QSplitter::handle:horizontal {{ width: 1px; }}
QSplitter::handle:vertical {{ height: 1px; }}

QScrollBar:vertical {{ background: transparent; width: 12px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 12px; margin: 0; }}
QScrollBar::handle {{ background: {scroll_handle}; border-radius: 4px; margin: 2px; }}
QScrollBar::handle:vertical {{ min-height: 32px; }}
QScrollBar::handle:horizontal {{ min-width: 32px; }}
QScrollBar::handle:hover {{ background: {input_border}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
"""


_OF_ROLE = """
QLabel[ink="{role}"] {{ color: {color}; }}
QFrame[look="banner"][tint="{role}"] {{ background: {tinted}; border-left: 3px solid {color}; }}
QFrame[look="banner_card"][tint="{role}"] {{ background: {tinted}; border: 1px solid {edge}; border-radius: 6px; }}
"""


def make_stylesheet(color: Callable[..., QColor], *, pictures: Mapping[str, str]) -> str:
    """The application's style sheet. `color` as Theme's; `pictures`: the path of each of PICTURES."""
    names = {role.name.lower(): color(role).name() for role in Role}
    base, accent, hairline = (color(role) for role in (Role.BASE, Role.ACCENT, Role.HAIRLINE))
    is_dark = base.lightness() < 128
    accent_hover = accent.lighter(108) if is_dark else accent.darker(112)
    scroll_handle = hairline.lighter(130) if is_dark else hairline.darker(115)
    inverse = {f"inverse_{one.name.lower()}": color(one, is_inverse=True).name() for one in _INVERSE}
    sheet = _SHEET.format(
        accent_hover=accent_hover.name(), scroll_handle=scroll_handle.name(), **pictures, **names, **inverse
    )
    return sheet + "".join(
        _OF_ROLE.format(
            role=role.name,
            color=color(role).name(),
            tinted=_mixed(base, color(role), 0.09),
            edge=_mixed(base, color(role), 0.35),
        )
        for role in Role
    )


def _mixed(under: QColor, over: QColor, share: float) -> str:
    """`over`, so much of it, on `under`."""
    parts = zip(under.getRgb()[:3], over.getRgb()[:3], strict=True)  # type: ignore[index]
    return QColor(*(round(a + (b - a) * share) for a, b in parts)).name()
