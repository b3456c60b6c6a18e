"""The pages, a folder each: view, model, controller."""
