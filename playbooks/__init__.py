"""The hands: playbooks as YAML, and the verbs they are made of."""
