"""Checks a signed message with the library of Standard Webhooks. Input: JSON with secret, headers, body."""

import json, sys

from standardwebhooks.webhooks import Webhook

given = json.load(sys.stdin)
print(json.dumps(Webhook(given["secret"]).verify(given["body"], given["headers"])))
