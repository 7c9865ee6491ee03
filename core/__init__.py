"""What is said: the message model, the dialogues, the rules of metering and money, the texts."""
