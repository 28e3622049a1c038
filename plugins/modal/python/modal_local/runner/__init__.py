"""Running functions: calls and their inputs, pools of containers, processes and namespaces."""
