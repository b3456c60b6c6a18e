"""What works beside the window, each in a thread of its own: reader, actor, supervisord's link, log reader."""
