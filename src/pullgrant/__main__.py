"""`python -m pullgrant`."""

from pullgrant.cli import program

if __name__ == "__main__":
    program.run()
