#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime_site.settings")
    from realtime_site import command_line

    command_line.run(sys.argv)


if __name__ == "__main__":
    main()
