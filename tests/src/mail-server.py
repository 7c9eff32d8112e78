"""A mail server for tests: real SMTP on loopback, by aiosmtpd. Prints its port, then each letter as one line of JSON. Ends with its input.

Arguments as JSON: mode (plain, starttls, tls), certificate, key, login ([user, password]), later (how many letters are put off first),
never (whether every letter is refused).
"""

import asyncio, json, ssl, sys

from aiosmtpd.smtp import AuthResult, SMTP

settings = json.loads(sys.argv[1])
mode, login, later = settings["mode"], settings.get("login"), settings.get("later", 0)


def say(value):
    print(json.dumps(value), flush=True)


class Handler:
    async def handle_DATA(self, server, session, envelope):
        global later
        if settings.get("never"):
            return "550 5.7.1 no letters of yours, " + (session.auth_data.password.decode() if session.auth_data else "stranger")
        if later:
            later -= 1
            return "451 4.3.0 not now"
        content = envelope.original_content.decode("utf-8", "replace")
        say({"tls": session.ssl is not None or mode == "tls", "from": envelope.mail_from, "to": envelope.rcpt_tos, "content": content,
             "login": session.auth_data.login.decode() if session.auth_data else None})
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=[data.login.decode(), data.password.decode()] == login, auth_data=data, handled=False)


context = None
if mode != "plain":
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings["certificate"], settings["key"])


def speaker():
    more = {"authenticator": authenticate, "auth_required": True, "auth_require_tls": mode == "starttls"} if login else {}
    if mode == "starttls":
        more.update(tls_context=context, require_starttls=True)
    return SMTP(Handler(), hostname="localhost", enable_SMTPUTF8=True, loop=asyncio.get_running_loop(), **more)


async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(speaker, "127.0.0.1", 0, ssl=context if mode == "tls" else None)
    say({"port": server.sockets[0].getsockname()[1]})
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(serve())
