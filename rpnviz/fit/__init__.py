"""Do these anchors fit my data? Annotations read, anchors compared with their objects, better ones suggested."""
