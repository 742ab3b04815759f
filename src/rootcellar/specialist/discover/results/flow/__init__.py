"""The flow of tasks and results through a project's code, without running it: what each expression stands for."""
