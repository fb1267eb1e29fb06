"""The life of a job: its states, and the steps that move it on."""
