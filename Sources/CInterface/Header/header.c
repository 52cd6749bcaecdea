// The interface is in Swift; a target of C needs a source.
