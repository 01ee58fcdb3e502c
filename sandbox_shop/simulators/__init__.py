"""Provider simulators: SendGrid's and Twilio's interface on loopback, with a message viewer.

Knows neither Django nor cart_recovery: the real client libraries talk to it over real HTTP, and it
answers, refuses and calls back as the providers do. ``python -m sandbox_shop.simulators --help``
starts it as a process of its own, ``server.running_simulators`` inside a test.
"""
