"""The pages a person sees: HTML made on the server, htmx for what moves, nothing inline.

A page is a folder under ``pages/``: ``route.py`` reads the request and calls one action, ``query.py`` loads what the
reader sees into a frozen dataclass, ``page.html`` draws it as ``view``. Everything pages share is here: the shell
(``layout/``), the component macros (``components/``, called as ``ui.name`` in every template), the browser files
(``static/``), and the rules of the road (``security.py``). ``docs/how-to/add-a-page.md`` is the way in.
"""
