import Activations
import CKA
import Device
import Support

// What the documents of a store may say. A right checksum is no promise: each value is held against what
// it can be and against the other documents, so that no count of a file is trusted.

extension Store.Document {
  /// Minibatches of a store at the most: each is a file of every model.
  static let mostMinibatches = 1 << 24
  /// Examples of a minibatch at the most: two TiB a layer.
  static let mostInMinibatch = 1 << 20
  /// Examples of a model at the most.
  static let mostExamples = 1 << 40

  /// Looks whether the settings and counts can be those of a store, and returns their plan.
  ///
  /// - Parameter refuse: words the failure of a field by what was found and what was expected.
  func checkedPlan(
    _ refuse: (_ field: String, _ found: String, _ expected: String) -> StoreError
  ) throws(StoreError) -> MinibatchPlan {
    func check(
      _ field: String, _ found: some CustomStringConvertible, _ isRight: Bool, _ expected: String
    ) throws(StoreError) {
      guard isRight else { throw refuse(field, oneLine(found.description), expected) }
    }
    func check(_ field: String, _ found: Int, in range: ClosedRange<Int>) throws(StoreError) {
      let (least, most) = (range.lowerBound, range.upperBound)
      try check(
        field, found, range.contains(found),
        least == most ? "\(least)" : most == .max ? "at least \(least)" : "\(least) to \(most)")
    }
    let least = settings.estimatorValue.centering.leastExamples
    let hasMinibatches = settings.estimator == .minibatch
    try check("exampleCount", exampleCount, in: least...Self.mostExamples)
    // In a store it is always chosen.
    let size = settings.batchSize ?? -1
    try check("settings.batchSize", size, in: hasMinibatches ? least...Int.max : 0...0)
    try check(
      "settings.passes", settings.passes,
      in: hasMinibatches ? 1...Estimator.Minibatches.mostPasses : 0...0)
    try check(
      "settings.ragged", settings.ragged, Estimator.Ragged(rawValue: settings.ragged) != nil,
      "one of \(Estimator.Ragged.allCases.map(\.rawValue))")
    try check(
      "settings.alignment", settings.alignment,
      ExamplePairing.Alignment(rawValue: settings.alignment) != nil,
      "one of \(ExamplePairing.Alignment.allCases.map(\.rawValue))")
    let isRBF = settings.kernel == .rbf
    for (name, value) in [("bandwidth", settings.bandwidth), ("sigma", settings.sigma)] {
      guard let value else { continue }
      try check(
        "settings.\(name)", value, isRBF && value.isFinite && value > 0,
        isRBF ? "a positive number" : "none with the linear kernel")
    }
    if let limit = settings.exampleLimit {
      try check("settings.exampleLimit", limit, in: least...Int.max)
    }
    try check(
      "settings.dropExamples", settings.dropExamples ?? "none",
      settings.dropExamples == nil || settings.dropExamples == SweepSettings.nonFinite,
      SweepSettings.nonFinite)
    let isDropping = settings.dropExamples != nil
    try check(
      "dropped", dropped == nil ? "none" : "a list", (dropped != nil) == isDropping,
      isDropping ? "a list of examples" : "none without settings.dropExamples")
    var before = -1
    for (index, example) in (dropped ?? []).enumerated() {
      try check(
        "dropped[\(index)]", example, example > before && example < exampleCount,
        "one of \(exampleCount) examples, in ascending order")
      before = example
    }
    let compared = comparedCount
    let largest = hasMinibatches ? min(size, compared) : compared
    try check("examples of a minibatch", largest, in: least...Self.mostInMinibatch)
    // Full ones and one of the rest, of each pass.
    let (most, overflow) = (compared / largest + 1)
      .multipliedReportingOverflow(by: max(settings.passes, 1))
    try check("minibatches", overflow ? Int.max : most, in: 1...Self.mostMinibatches)
    let plan: MinibatchPlan
    do throws(ComparisonError) {
      plan = try MinibatchPlan(settings.estimatorValue, exampleCount: compared)
    } catch {
      throw refuse("settings", error.description, "those of a plan")
    }
    if let shard {
      let batches = plan.batches.count
      try check(
        "shard", shard, shard.count <= batches, "at most as many as minibatches, \(batches)")
    }
    return plan
  }
}

extension ModelEntry {
  /// Looks whether the entry can be that of a model of `store`.
  ///
  /// - Parameter path: of the file that says so, whose name has `number`.
  func check(_ path: String, number: Int, in store: Store) throws(StoreError) {
    func check(
      _ field: String, _ found: some CustomStringConvertible, _ isRight: Bool, _ expected: String
    ) throws(StoreError) {
      guard isRight else { throw .damaged(path, field, found: found, expected: expected) }
    }
    let fileName = Self.fileName(number: number, model: model.name)
    try check(
      "model.name", oneLine(model.name), splitPath(path).name == fileName,
      "the model of this file's name")
    guard settings == store.settingsDigest else {
      throw StoreError(.data, path, "was made with other settings than those of store.json")
    }
    try check("model.layers", "none", !model.layers.isEmpty, "one or more")
    var names: Set<[UInt8]> = []
    for (index, layer) in model.layers.enumerated() {
      let field = "model.layers[\(index)]"
      try check(
        "\(field).name", oneLine(layer.name), names.insert(layer.name.nameBytes).inserted,
        "another name")
      let n = store.document.exampleCount
      let shape = LayerShape(exampleCount: n, featureAxes: Array(layer.shape.dropFirst()))
      try check(
        "\(field).shape", layer.shape, layer.shape.first == n && shape != nil,
        "\(n) examples, as store.json has, of axes of a layer")
      try check(
        "\(field).features", layer.features,
        (1...max(shape?.featureCount ?? 1, 1)).contains(layer.features),
        "1 to \(shape?.featureCount ?? 1)")
      try check(
        "\(field).scalarType", layer.scalarType, ScalarType(rawValue: layer.scalarType) != nil,
        "a type of numbers")
    }
    try check("sample", sample, Digest(hexadecimal: sample) != nil, "32 hexadecimal digits")
    let minibatches = store.minibatches
    try check(
      "keys", "\(keys.count)", keys.count == minibatches.count,
      "one for each of \(minibatches.count) minibatches")
    for minibatch in minibatches {
      try check(
        "keys.\(minibatch)", keys[minibatch] ?? "none", key(minibatch) != nil,
        "32 hexadecimal digits")
    }
  }
}

extension SampleIDs {
  /// Looks whether there is one ID for each example.
  func check(_ path: String, exampleCount: Int) throws(StoreError) {
    guard ids.count == exampleCount else {
      throw .damaged(path, "ids", found: ids.count, expected: "\(exampleCount), as store.json has")
    }
  }
}
