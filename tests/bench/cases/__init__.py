# SPDX-License-Identifier: MIT
"""The cases: each file here has one class of harness.case.Case."""

import importlib
import inspect
import pkgutil

from harness.case import Case


def _cases_of(module):
    return [one for _, one in inspect.getmembers(module, inspect.isclass)
            if issubclass(one, Case) and one.__module__ == module.__name__]


def find_all():
    """{name: case}, in the order of `place`."""
    modules = [importlib.import_module(f"{__name__}.{found.name}")
               for found in pkgutil.iter_modules(__path__)]
    cases = [one() for module in modules for one in _cases_of(module)]
    return {case.name: case for case in sorted(cases, key=lambda case: case.place)}
