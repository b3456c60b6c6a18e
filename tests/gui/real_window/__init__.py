"""The real program on a private desktop, worked from outside by the names of its widgets."""
