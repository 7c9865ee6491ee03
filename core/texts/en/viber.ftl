# The first word in Viber: before it the bot may not write.

viber-welcome = Hello! This is { $name }. Here you can see what you owe, submit meter readings and pay the bill. Press “Begin”.
viber-begin-button = Begin
