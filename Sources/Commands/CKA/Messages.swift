import Activations
import ArgumentParser
import CKA
import Logging
import Support

/// Refuses to write a map without any value.
func checkHasValues(_ similarity: Similarity, of model: String) throws {
  guard similarity.hasValues else {
    throw Failure(.data, "\(oneLine(model)): no pair of layers has a value; nothing was written")
  }
}
