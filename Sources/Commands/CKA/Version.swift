/// The version of the tool and of the library.
let toolVersion = "0.1.0"
