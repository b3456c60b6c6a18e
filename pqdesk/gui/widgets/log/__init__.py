"""A log view: text painted line by line, with find, levels and columns.

`lines` holds what is shown, `choosing` says which lines that is and what is sought in them, `painter` draws a row,
`scroll`, `canvas` and `text` are one widget in three layers (place, drawing, mouse and keyboard), `find_bar` and `pane`
are the controls around it. What fills it is pqdesk.gui.log_feed.
"""
