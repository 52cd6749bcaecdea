import Activations
import CKA
import Support

extension ExamplePairing {
  /// The pairing without the examples that hold NaN or infinity in a layer, and what to say of them.
  ///
  /// - Parameter paths: the models' files or folders.
  /// - Throws: where no example is left, or a file cannot be read.
  package func withoutNonFinite(
    _ left: any ActivationSource, _ right: (any ActivationSource)?, paths: [String]
  ) throws -> (pairing: ExamplePairing, notes: [Note]) {
    let rest = try withoutNonFinite(left, right)
    let models = paths.map(oneLine).joined(separator: ", ")
    guard rest.count > 0 else {
      throw Failure(
        .data,
        "\(models): all \(Format.count(count)) examples have NaN or infinity in some layer; leave "
          + "out layers with --exclude")
    }
    guard let dropped = rest.dropped, !dropped.isEmpty else { return (rest, []) }
    let note =
      """
      \(models): \(Format.count(dropped.count)) of \(Format.count(count)) examples have NaN or infinity and \
      are left out: \(listed(dropped, of: dropped.count))
      """
    return (rest, [.information(note)])
  }
}
