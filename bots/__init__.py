"""What runs: the command line, the webhook server, polling, delivery, the simulator."""
