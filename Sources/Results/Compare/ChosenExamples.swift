import Activations
import CKA
import Support

extension ExamplePairing {
  /// Pairs the examples of two models, or of one with itself, whose paths messages name.
  ///
  /// - Parameters:
  ///   - limit: at most so many examples; nil takes all.
  ///   - seed: of their choice.
  package static func of(
    _ left: any ActivationSource, _ right: (any ActivationSource)?, alignment: Alignment,
    limit: Int?,
    seed: UInt64, paths: [String]
  ) throws(Failure) -> ExamplePairing {
    do throws(ComparisonError) {
      return try ExamplePairing(left, right, alignment: alignment, limit: limit, seed: seed)
    } catch {
      throw Failure(.data, oneLine("\(paths.last ?? left.name): \(error.description)"))
    }
  }
}

extension Note {
  /// Fewer examples are used than there are, because nobody said how many.
  package static func limited(to limit: Int, of count: Int, seed: UInt64) -> Note {
    .information(
      "\(Format.count(limit)) of \(Format.count(count)) examples are used, drawn with seed \(seed); "
        + "--examples can use more")
  }
}
