/// The version of the tool and of the library.
package let toolVersion = "0.1.0"
