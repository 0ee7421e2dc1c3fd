"""A cluster in a box: real `xenhad` processes in network namespaces over one shared disk, and faults.

Needs root. Nothing outside namespaces, mounts and folders of its own is touched, and all of it is gone
afterwards, however the cluster ended.
"""
