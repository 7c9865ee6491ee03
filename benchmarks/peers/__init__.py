"""What Kvitok is measured beside."""
