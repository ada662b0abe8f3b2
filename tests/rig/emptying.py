"""Emptying the database after a test that committed."""

from django.db import connections, transaction
from django.test import TransactionTestCase

# Made by migrating, the same for every test.
_KEPT = {"django_content_type", "auth_permission"}


def empty_tables(case: TransactionTestCase) -> None:
    """Delete every row but those that migrating made; in place of Django's `flush`, which a thousand tests wait for.

    That one deletes those too and makes them again by a signal to all apps, fifty milliseconds each time; and on
    PostgreSQL it truncates, behind whatever transaction a thread of the test has left open.
    """
    for name in case._databases_names(include_mirrors=False):
        connection = connections[name]
        with transaction.atomic(name), connection.cursor() as cursor:
            # Foreign keys are checked at the end of the transaction: any order will do.
            for table in connection.introspection.django_table_names(only_existing=True, include_views=False):
                if table not in _KEPT:
                    cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
