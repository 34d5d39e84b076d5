"""Where a form may send somebody next. Pure."""


def own_path(path: str) -> str:
    r"""A path of this console, or the start page: never an address somewhere else.

    >>> own_path("/inbox/m-17"), own_path("//evil.example/"), own_path("/\\evil.example")
    ('/inbox/m-17', '/', '/')
    """
    printable = path.isprintable() and "\\" not in path
    return path if printable and path.startswith("/") and not path.startswith("//") else "/"
