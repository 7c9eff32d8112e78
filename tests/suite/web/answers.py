"""A hook of schemathesis: counts the answers to each operation by their status, for the test that starts it."""

import atexit
import collections
import json

import schemathesis

answers = collections.defaultdict(collections.Counter)


@schemathesis.hook
def after_call(context, case, response):
    answers[f"{case.method.lower()} {case.operation.path}"][response.status_code] += 1


@atexit.register
def write():
    with open("answers.json", "w") as file:
        json.dump(answers, file)
