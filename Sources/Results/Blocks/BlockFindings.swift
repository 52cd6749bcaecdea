import Analyses
import Support

/// The blocks of networks, and of a sweep what its pairs of models share.
public struct BlockFindings: Sendable {
  /// The maps.
  public let input: BlocksInput
  /// What looked for blocks.
  public let detector: BlockDetector
  /// What was found in each network's map with itself, in the order of `input.networks`.
  public let structures: [BlockStructure]
  let across: AcrossModels

  /// Looks for blocks in all maps, one core per network.
  ///
  /// - Throws: `ComparisonError` where a setting of the detector has no meaning, `Failure` where a map of a sweep
  ///   cannot be read.
  public init(_ input: BlocksInput, by detector: BlockDetector = BlockDetector()) throws {
    self.input = input
    self.detector = detector
    structures = try concurrentMap(input.networks) { try detector.structure(of: $0.map) }
    across = try AcrossModels(input, structures)
  }
}
