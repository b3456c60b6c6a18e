"""What pages hang in: Page, Route, actions. It knows no page; pqdesk.gui.registry names them all."""
