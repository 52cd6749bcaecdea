import Analyses
import CKA
import Device
import Inputs
import Support

extension UncertaintyDocument {
  /// What says that similarities are those of few examples, or have no errors.
  ///
  /// - Parameter cell: what the pair of layers was called that was looked into.
  package func notes(cell: String?) -> [Note] {
    var notes = models.compactMap(\.noteOfFew)
    if let reason = undefinedErrorReason {
      notes.append(
        .warning("\(Format.count(undefinedErrors.count)) cells have no standard error: \(reason)"))
    }
    notes += models.compactMap(\.noteOfGroups)
    let name = "--cell \(oneLine(cell ?? ""))"
    if pair?.isCarriedByGroups ?? false {
      notes.append(
        .warning("\(name): the value reflects two groups of examples; see \"within two groups\""))
    }
    if pair?.isCarriedByFew ?? false {
      notes.append(.warning("\(name): few examples dominate the value; see the table of drops"))
    }
    return notes
  }
}

extension UncertaintyDocument.Model {
  /// The layers whose Gram matrices lie with few examples.
  fileprivate var noteOfFew: Note? {
    let few = layers.filter { $0.isCarriedByFew ?? false }
    guard let first = few.first, let share = first.halfShare else { return nil }
    let others = few.count > 1 ? " and of \(few.count - 1) more" : ""
    return .warning(
      """
      \(oneLine(path)): \(Format.fixed(100 * share, 1)) % of the examples hold half of the Gram \
      matrix of layer \(oneLine(first.name))\(others): they dominate its similarities
      """)
  }

  /// The layers in which a group of examples stands apart, but for those that few examples carry.
  fileprivate var noteOfGroups: Note? {
    let layers = layers.filter { $0.groupShare != nil && !($0.isCarriedByFew ?? false) }
    guard let first = layers.first, let share = first.groupShare else { return nil }
    let others = layers.count > 1 ? " and \(layers.count - 1) more" : ""
    return .warning(
      """
      \(oneLine(path)): in layer \(oneLine(first.name))\(others) a group of examples \
      (\(Format.fixed(100 * share, 1)) %) is separate from the rest, as a class may be: its \
      similarities reflect the two groups; --cell gives the similarity within them
      """)
  }
}

extension Uncertainty {
  /// Throws where the analysis does not fit.
  ///
  /// - Parameters:
  ///   - isLimited: whether the user gave the limit.
  ///   - pair: whether one pair of layers is looked into.
  package func checkMemory(
    on team: DeviceTeam, isLimited: Bool, pair: Bool
  ) throws(Failure) {
    let layers = comparison.left.layers.count + (comparison.right?.layers.count ?? 0)
    try team.checkMemory(
      isLimited: isLimited,
      for: "\(Format.count(comparison.pairing.count)) examples of \(Format.count(layers)) layers",
      or: "fewer --examples or --layers"
    ) { leastMemory(on: $0, pair: pair) }
  }
}

extension Uncertainty.Outcome {
  /// What is known of one pair of layers.
  ///
  /// - Parameters:
  ///   - name: what the pair was called.
  ///   - permutations: 999 unless given.
  ///   - path: the first model's file or folder.
  package func details(
    of pair: MapCell, called name: String, _ permutations: Int?, path: String
  ) throws -> PairUncertainty {
    let details = try self.pair(
      row: pair.row, column: pair.column, settings: .init(permutations: permutations ?? 999))
    guard let details else {
      let status = similarity.statuses[pair.row, pair.column].rawValue
      throw Failure(
        .data, "\(oneLine(path)): the pair --cell \(oneLine(name)) has no value: \(status)")
    }
    return details
  }
}
