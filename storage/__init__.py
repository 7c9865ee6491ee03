"""What is remembered: tables, migrations, the ledger, the answers to the core's questions."""
