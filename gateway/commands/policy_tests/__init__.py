"""
``gateway test``: policy tests in YAML, for users' own CI. Everything runs in this process; no socket is opened.

    model.py         what a test file may say
    reading.py       a file → suites, every mistake with its place
    typed_yaml.py    YAML's plain values as JSON knows them
    clock.py         an event loop whose time passes only when nothing is runnable
    issuers.py       token issuers, and the tokens that a test asks for
    stubs.py         backends and other services that answer as written
    stage.py         one gateway on those stand-ins
    running.py       one test: requests in, what happened out
    expectations.py  what happened against what was expected
    report.py        text for people, JUnit for machines
    suites.py        files, filter, exit code
    command.py       the command line
"""
