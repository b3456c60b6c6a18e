"""The window. It looks through a reader, acts through an actor and links to supervisord, each in a thread of its own.

Nothing in the window's thread touches SQL, files of the workspace or sockets. app.py builds and connects all;
a session (session.py) holds the threads and pages of one workspace.

What comes from another thread is connected to bound methods of QObjects only: Qt runs a lambda, and a method of
anything else, in the thread that emits.

The seam between the shell and the pages:

- **threads/reader.py** `Reader`: `ask(asker, question) -> ticket` from the window's thread, where a question is called
  with an `Inspection`; `answered(Answer(ticket, value | error))` comes once, unless the same asker has asked again.
  `changed()` says that somebody wrote: a live page asks again, at most four times a second.
  `counts_loaded(tuple[QueueRecord, ...])`, at most once a second, feeds pickers and badges.
- **threads/actor.py** `Actor`: `carry_out(Order(action, target))`, asked by a signal of the page (it lives in another
  thread), answered by one `done(Done(order, outcome | error))`; see threads/orders.py. The shell passes on what a page
  says by `order_asked`, and shows the toast for it, with Undo. Undo and Redo are those of the library.
- **threads/supervisor_link.py** `SupervisorLink`: the same for orders about workers, and
  `status_changed(SupervisionStatus)`.
- **threads/log_reader.py** `LogReader`: slot `follow(who, tuple[Path, ...])`, by signal;
  `tail_read(who, Path, list[str])` with what `who` has not had yet, then `lines_read(Path, list[str])`.
  `SupervisorLink.logs` is one; every page that shows a log connects to it, takes the paths it shows and puts the lines
  into a widgets/log/pane.py `LogPane`. It also searches logs for a message and empties them.
- **theme.py** `Theme`: `picture(label, name, Role)`, `color(Role)`, `icon(name, Role)`, `font(percent)`;
  and `set_look(widget, word)`. Names of icons are the files of resources/icons. Roles are in palette.py, looks in
  stylesheet.py. Numbers and times: formatting.py.
- **shell/page.py** `Page`: what a page is; registry.py lists them, and sidebar, menu View, Ctrl+1 …, palette and
  pictures come from it. A page is live while it is shown, the window is visible and updates are not paused; when it
  becomes live it asks for everything anew. Pages know routes (shell/routes.py), never each other.
- **shell/actions.py** `Action`, `ActionSet`: what can be done, and why not now; menus, buttons, palette and the list of
  shortcuts come from them.
"""
