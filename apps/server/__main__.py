from apps.server.cli import CommandLineInterface

CommandLineInterface.entrypoint()
