import ActivationFiles
import Activations
import CKA
import Inputs
import Results
import Support

/// Which layers of files are taken, and as what.
struct LayerOptions: OptionGroup {
  enum CodingKeys: String, CodingKey, CaseIterable { case layers, exclude, pooling, layout }

  var layers: [String]?
  var exclude: [String]?
  var pooling: String?
  var layout: String?

  var poolingValue: TokenPooling {
    get throws(Failure) { try choice(pooling, "pooling", or: .flatten) }
  }

  var layoutValue: LayerShape.Layout? {
    get throws(Failure) {
      try layout.map { (text) throws(Failure) in
        try choice(text, "layout", or: LayerShape.Layout.channelsFirst)
      }
    }
  }

  var selection: ModelSelection {
    get throws(Failure) {
      ModelSelection(
        exclude: exclude ?? [], pooling: try poolingValue, layout: try layoutValue)
    }
  }

  /// The model at a path.
  func model(_ path: String) throws -> ActivationModel {
    try selection.openPair([path], layers: layers ?? [])[0]
  }
}

/// Which examples are compared, and what decides what is drawn at random.
struct ExampleOptions: OptionGroup {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case examples, align
    case dropExamples = "drop_examples"
    case seed
  }
  private enum Dropped: String, CaseIterable { case nonFinite = "non-finite" }

  var examples: Int?
  var align: String?
  var dropExamples: String?
  var seed: UInt64?

  var seedValue: UInt64 { seed ?? 0 }

  var alignment: ExamplePairing.Alignment {
    get throws(Failure) { try choice(align, "align", or: .order) }
  }

  /// `non-finite` where examples with NaN or infinity are left out.
  var dropped: String? {
    get throws(Failure) {
      try dropExamples.map { (text) throws(Failure) in
        try choice(text, "drop_examples", or: Dropped.nonFinite).rawValue
      }
    }
  }

  /// The most examples that are taken.
  var limit: Int? {
    get throws(Failure) {
      try examples.map { (count) throws(Failure) in
        try number(count, within: 1...Int.max, "examples", or: count)
      }
    }
  }

  /// Pairs the examples of two models, or of one with itself.
  func pairing(_ left: ActivationModel, _ right: ActivationModel?) throws -> ExamplePairing {
    let pairing = try ExamplePairing(
      left, right, alignment: alignment, limit: limit, seed: seedValue)
    guard try dropped != nil else { return pairing }
    let names = [left.name] + (right.map { [$0.name] } ?? [])
    return try pairing.withoutNonFinite(left, right, paths: names).pairing
  }
}
