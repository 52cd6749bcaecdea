import CKA
import Device
import FoundationEssentials

/// A read-only snapshot of a store with the similarities of its models.
public struct SweepResults: Sendable {
  /// The models, in the order in which they came.
  public let models: [SweepModel]
  /// What the numbers depend on.
  public let settings: SweepSettings
  /// n of every model.
  public let exampleCount: Int
  /// Examples that were left out of all models for NaN or infinity; nil where none was looked for.
  public let dropped: [Int]?
  /// Which of the compared examples form which minibatch.
  public let plan: MinibatchPlan
  /// What made the matrices, in the order in which it first did.
  public let devices: [DeviceIdentity]
  /// The store.
  public let path: String

  private let keys: [[Digest]]
  /// By model and minibatch.
  private let grams: [[GramFile]]
  private let products: ProductIndex
  private let settingsDigest: Digest
  /// Where other processes are kept from writing to the store.
  private let lock: StoreLock?

  /// Reads the store at `path`: all headers and all products, with their checksums.
  ///
  /// - Throws: `.data` where a file is damaged or missing, or the store holds one share of the
  ///   minibatches only.
  public init(store path: String) throws(StoreError) {
    try self.init(store: path, lock: nil)
  }

  init(store path: String, lock: StoreLock?) throws(StoreError) {
    let store = try Store(reading: path)
    if let shard = store.document.shard {
      throw StoreError(
        .data, path, "holds only shard \(shard); cka merge joins it with the others")
    }
    var products = ProductIndex()
    for minibatch in store.minibatches {
      try products.addAll(in: store, minibatch) { (error) throws(StoreError) in throw error }
    }
    try self.init(store, products: products, lock: lock)
  }

  init(_ store: Store, products: ProductIndex, lock: StoreLock?) throws(StoreError) {
    self.lock = lock
    try store.checkHasModels()
    models = store.entries.map(\.entry.model)
    settings = store.document.settings
    exampleCount = store.document.exampleCount
    dropped = store.document.dropped
    plan = store.plan
    path = store.path
    self.products = products
    var keys: [[Digest]] = []
    var grams: [[GramFile]] = []
    var devices: [DeviceIdentity] = []
    for (_, entry) in store.entries {
      var own: [Digest] = []
      var files: [GramFile] = []
      for minibatch in store.minibatches {
        guard let key = entry.key(minibatch) else {
          throw StoreError(
            .data, path,
            "lacks minibatch \(minibatch + 1) of \(entry.model.name): run cka sweep again")
        }
        let file = try store.grams(minibatch, key, layerCount: entry.model.layers.count).file
        own.append(key)
        files.append(file)
        if let device = try? JSONDecoder().decode(
          DeviceIdentity.self, from: Data(file.device.utf8)),
          !devices.contains(device)
        {
          devices.append(device)
        }
      }
      keys.append(own)
      grams.append(files)
    }
    self.keys = keys
    self.grams = grams
    self.devices = devices
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let text = (try? encoder.encode(settings)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    settingsDigest = Digest(of: text)
  }

  /// CKA of all layers of the model `left` with all layers of the model `right`, which may be the
  /// same: the sums of all minibatches, added in their order.
  ///
  /// - Throws: `.data` where the store lacks their products, because a sweep was stopped; `.usage` where it has
  ///   no such model.
  public func similarity(_ left: Int, _ right: Int) throws(StoreError) -> Similarity {
    for model in [left, right] where !models.indices.contains(model) {
      throw StoreError(
        .usage, path, "has \(models.count) models, found no model of the number \(model)")
    }
    let centering = settings.estimatorValue.centering
    var sums: HSICSums?
    for minibatch in plan.batches.indices {
      let (a, b) = (grams[left][minibatch], grams[right][minibatch])
      guard
        let made = products.products(
          minibatch, keys[left][minibatch], keys[right][minibatch])
      else {
        throw StoreError(
          .data, path,
          "lacks minibatch \(minibatch + 1) of \(models[left].name) with \(models[right].name): run "
            + "cka sweep again")
      }
      try Self.check(
        made.products, a.squares, b.squares, areSame: keys[left] == keys[right], path: made.path)
      let precisions = [made.precision, a.precision, b.precision]
      let own = HSICSums(
        exampleCount: a.exampleCount, centering: centering, left: a.layersAsMade,
        right: b.layersAsMade,
        products: made.products, leftSquares: a.squares, rightSquares: b.squares,
        tolerance: precisions.map(\.tolerance).reduce(0, max))
      if sums?.merge(own) == nil { sums = own }
    }
    guard let sums else {
      throw StoreError(.data, path, "has no minibatches: there are too few examples")
    }
    return Similarity(sums, centering: centering, varianceInflation: plan.varianceInflation)
  }

  /// The layers of two models, or of one, of whose matrices float64 made some, as float32 left too little of
  /// them; nil where there are none that have values.
  public func recomputed(
    _ left: Int, _ right: Int, in similarity: Similarity
  ) -> Comparison.Recomputed? {
    func places(_ model: Int, _ statuses: [Status]) -> Set<Int> {
      grams[model].reduce(into: Set<Int>()) { $0.formUnion($1.float64Layers) }
        .filter { statuses[$0] == .ok }
    }
    let rows = places(left, similarity.leftStatuses)
    let columns = places(right, similarity.rightStatuses)
    guard !rows.isEmpty || !columns.isEmpty else { return nil }
    let (cka, width) = (similarity.cka, similarity.cka.columns)
    let cells = cka.elements.indices.count {
      (rows.contains($0 / width) || columns.contains($0 % width)) && !cka.elements[$0].isNaN
    }
    return .init(left: rows.sorted(), right: columns.sorted(), cells: cells)
  }

  /// Products of matrices are no larger than the matrices: |⟨K, L⟩| ≤ ‖K‖‖L‖ (Cauchy and Schwarz), and
  /// ⟨K, K⟩ = ‖K‖². Devices round by far less than the hundredth that is left to them.
  private static func check(
    _ products: Matrix<Double>, _ leftSquares: [Double], _ rightSquares: [Double], areSame: Bool,
    path: String
  ) throws(StoreError) {
    let columns = rightSquares.map { 1.01 * $0.squareRoot() }
    for (i, square) in leftSquares.enumerated() {
      let row = square.squareRoot()
      for (j, column) in columns.enumerated() where !(abs(products[i, j]) <= row * column) {
        throw .damaged(
          path, "a product of two layers", found: products[i, j],
          expected: "at most the product of their norms, \(row * column)")
      }
      guard !areSame || abs(products[i, i] - square) <= 0.01 * square else {
        throw .damaged(
          path, "a product of a layer with itself", found: products[i, i],
          expected: "the matrix's squared norm, \(square)")
      }
    }
  }

  /// What the similarity of two models depends on, with their names: where it is the same, files made
  /// of it need not be written again.
  public func fingerprint(_ left: Int, _ right: Int) -> String {
    let hasher = Hasher128()
    hasher.update(settingsDigest)
    for model in [left, right] {
      hasher.update(models[model].name)
      hasher.update(models[model].path)
      for layer in models[model].layers {
        hasher.update(layer.name)
        hasher.update(layer.stage ?? "")
      }
      for key in keys[model] { hasher.update(key) }
    }
    return hasher.digest.hexadecimal
  }
}

extension ProductIndex {
  /// Adds all products of a minibatch; `damaged` is called with each damaged file.
  mutating func addAll(
    in store: Store, _ minibatch: Int, damaged: (StoreError) throws(StoreError) -> Void
  ) throws(StoreError) {
    let folder = store.productsFolder(minibatch)
    let layerCounts = store.layerCounts(minibatch)
    for name in try StorePath.contents(folder) where ProductsFile.isName(name) {
      do throws(StoreError) {
        try add("\(folder)/\(name)", minibatch: minibatch, layerCounts: layerCounts)
      } catch {
        guard error.kind == .data else { throw error }
        try damaged(error)
      }
    }
  }
}
