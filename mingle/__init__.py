"""The one name of the project where it is installed: a wheel has all other packages below it."""
