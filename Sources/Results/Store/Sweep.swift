import Activations
import CKA
import Device
import Support

/// A sweep under way: the models of a store, and those that come to it, compared with each other.
///
/// Every unit of work (the matrices of one model and minibatch, or a block of products) is written
/// atomically, so a stopped sweep can be resumed by the same calls.
public final class Sweep {
  var store: Store
  /// Held by the first of a team, for all of them.
  private let lock: StoreLock?
  let team: any ProcessGroup
  let devices: DeviceTeam
  /// Bytes that matrices and products may take.
  let memory: Int
  let openModel: (String) throws -> ActivationModel
  let observe: (Event) -> Void
  var meter: WorkMeter? { devices.meter }
  var summary = Summary()
  var products = ProductIndex()
  private var verified: Set<String> = []
  /// Whether the store's sample IDs were found whole.
  var hasExamples = false
  /// Of the stage that goes on: models' minibatches, or minibatches' products, that are done or were there.
  private var unitsDone = 0

  /// Memory of the process itself, beside what is counted.
  static let overhead = 96 << 20

  /// Opens the store at `path`, or makes it.
  ///
  /// - Parameters:
  ///   - path: the folder of the store.
  ///   - settings: those of a new store, which an old one must have.
  ///   - shard: which share of the minibatches is computed; nil for all.
  ///   - devices: the first does the work; where it fails, the next goes on with the unit.
  ///   - models: the first one's examples are those of a new store.
  ///   - team: the processes that make the sweep together; the memory of `devices` is what each may take.
  ///   - openModel: opens the model at a path, with the layers and pooling of the settings.
  ///   - observe: hears what happens.
  /// - Throws: `.usage` where the store has other settings, `.cannotCreate` where another process uses
  ///   it or the folder holds something else.
  public init(
    store path: String, settings: SweepSettings, shard: Shard? = nil,
    devices: DeviceTeam, models: [String], team: any ProcessGroup = SingleProcess(),
    openModel: @escaping (String) throws -> ActivationModel,
    observe: @escaping (Event) -> Void = { _ in }
  ) throws {
    self.devices = devices
    self.openModel = openModel
    self.observe = observe
    self.team = team
    if !team.isFirst { try team.meet(at: "the store is open") }
    let isNew = try !StorePath.exists("\(path)/store.json")
    if isNew {
      guard team.isFirst else {
        throw StoreError(
          .noInput, path,
          "is not visible to rank \(team.rank); all ranks must see it")
      }
      try Self.checkFolder(path)
    }
    var settings = settings
    var new: Store.Document?
    func newDocument() throws -> Store.Document {
      let document = try Self.document(settings, shard, models: models, openModel, observe)
      settings = document.settings
      return document
    }
    guard let firstModel = models.first else {
      throw StoreError(.usage, path, "no models were given")
    }
    if isNew {
      let document = try newDocument()
      new = document
      let plan = try Self.check(document, path: firstModel)
      try Self.checkMemory(devices.memory, settings, plan)
      try StorePath.makeFolder(path)
    }
    lock = team.isFirst ? try StoreLock(store: path) : nil
    let document: Result<Store.Document, StoreError> = Result {
      () throws(StoreError) in try Store.document(path)
    }
    switch document {
    case .success(let document): store = try Store(path, document)
    case .failure(let error):
      guard team.isFirst, error.kind == .data || error.kind == .noInput, !error.isIntact else {
        throw error
      }
      store = try Self.remade(path, new ?? newDocument(), because: error)
      if !isNew || !store.entries.isEmpty {
        observe(.note("\(error.description); recreated from the given options"))
      }
    }
    // Without a model that vouches for it, nothing is done for so many examples.
    if !isNew, store.entries.isEmpty {
      let exampleCount = try openModel(firstModel).exampleCount
      guard exampleCount == store.document.exampleCount else {
        throw .damaged(
          "\(path)/store.json", "exampleCount", found: store.document.exampleCount,
          expected: "\(exampleCount), as \(oneLine(firstModel)) has") as StoreError
      }
    }
    memory = max(devices.memory, 0) - Self.overhead
    store.isWritten = team.isFirst
    try checkSettings(settings, shard)
    if team.isFirst { try store.removeLeftovers() }
    try Self.checkMemory(devices.memory, store.document.settings, store.plan)
    if team.isFirst { try team.meet(at: "the store is open") }
  }

  /// Compares all models of the store and those at `paths`, which come to it.
  ///
  /// - Parameters:
  ///   - paths: files or folders of models.
  ///   - names: what results call the models at `paths`; without them, what their paths say.
  /// - Throws: `StoreError`, `DeviceError`, `ComparisonError` where the models do not hold the same
  ///   examples, or what `openModel` throws.
  public func run(models paths: [String], names: [String] = []) throws -> Summary {
    let models = Set(store.entries.map(\.entry.location) + paths.map(ModelNames.location)).count
    try stage("Gram matrices", units: minibatches.count * models) {
      try makeGrams(of: paths, names: names)
    }
    try stage("products of layers", units: minibatches.count) {
      for minibatch in minibatches {
        try makeProducts(minibatch)
        finishUnits(1)
      }
    }
    let summaries = try team.exchange(summary, at: "all products are made")
    if team.isFirst {
      for minibatch in Set(store.minibatches).subtracting(minibatches) {
        try products.addAll(in: store, minibatch) { (error) throws(StoreError) in throw error }
      }
      try removeUnused()
    }
    var total = summaries.dropFirst().reduce(into: summaries[0]) { $0.add($1) }
    total.models = store.entries.count
    return total
  }

  /// The minibatches that are this process's.
  var minibatches: [Int] { team.share(of: store.minibatches) }

  /// What came of it; not for a shard.
  public func results() throws(StoreError) -> SweepResults {
    try SweepResults(store, products: products, lock: lock)
  }

  /// Whether the store holds a share of the minibatches only.
  public var isShard: Bool { store.document.shard != nil }

  /// Which of the compared examples form which minibatch.
  public var plan: MinibatchPlan { store.plan }

  /// Minibatches of the store.
  public var minibatchCount: Int { store.minibatches.count }

  // MARK: Settings

  /// A new store, or one whose settings are lost: those given now are its own if its models were made
  /// with them.
  private static func remade(
    _ path: String, _ document: Store.Document, because error: StoreError
  ) throws -> Store {
    let store: Store
    do throws(StoreError) {
      store = try Store(path, document)
    } catch let other {
      // Nothing is known of a store that cannot be read.
      guard other.kind != .io else { throw other }
      throw StoreError(
        error.kind, error.path,
        "\(error.reason); the given options do not repair it: \(other.description)")
    }
    try Store.write(document, to: path)
    return store
  }

  /// Refuses a folder that holds anything but what a store does.
  private static func checkFolder(_ path: String) throws(StoreError) {
    guard try StorePath.exists(path) else { return }
    guard try StorePath.isFolder(path) else {
      throw StoreError(.cannotCreate, path, "is a file, not a store")
    }
    let known = ["examples.json", "lock", "minibatches", "models", "results"]
    let other = try StorePath.contents(path).first {
      !known.contains($0) && !StorePath.isLeftover($0)
    }
    if let other {
      throw StoreError(
        .cannotCreate, path, "holds '\(other)', which cka sweep did not write: it is not a store")
    }
  }

  private func checkSettings(_ settings: SweepSettings, _ shard: Shard?) throws(StoreError) {
    if let (option, own, other) = store.document.settings.difference(from: settings) {
      throw StoreError(
        .usage, store.path,
        "was made with \(option) \(own), found \(other); use another store or the same settings")
    }
    guard store.document.shard == shard else {
      let own = store.document.shard.map { "shard \($0)" } ?? "all minibatches"
      throw StoreError(
        .usage, store.path,
        "is a store of \(own), found \(shard.map { "--shard \($0)" } ?? "no --shard")")
    }
  }

  private static func checkMemory(
    _ granted: Int, _ settings: SweepSettings, _ plan: MinibatchPlan
  ) throws(SweepMemoryError) {
    let batch = plan.batches.largest
    let packed = settings.estimatorValue.centering.packedCount(exampleCount: batch)
    let least =
      max(
        GramMaker.leastMemory(packedCount: packed),
        ProductMaker.bytes(layers: 1, packedCount: packed)) + overhead
    guard granted >= least else {
      throw SweepMemoryError(granted: granted, needed: least, batchSize: batch)
    }
  }

  // MARK: Work

  /// Does `body` on the device that is in use, and on the next where that fails. Errors that are no device's go
  /// through.
  func onDevice(_ body: (any PackedDevice) throws -> Void) throws {
    var other: (any Error)?
    try devices.withPackedDevice { (device) throws(DeviceError) in
      do { try body(device) } catch let error as DeviceError { throw error } catch { other = error }
    }
    if let other { throw other }
  }

  private func stage(_ name: String, units: Int, _ body: () throws -> Void) rethrows {
    unitsDone = 0
    meter?.begin(Double(units), as: name)
    defer { meter?.end() }
    try body()
  }

  func finishUnits(_ count: Int) {
    unitsDone += count
    meter?.reach(unitsDone)
  }

  /// A unit of so many multiplications and additions begins, `count` after the last that was finished.
  func beginUnit(after count: Int = 0, flops: Double) {
    meter?.reach(unitsDone + count, next: flops)
  }

  /// Maps a model's matrices; those that are damaged are made again, if the model is there.
  func storedGrams(_ minibatch: Int, _ key: Digest, of place: Int) throws -> StoredGrams {
    let path = store.gramPath(minibatch, key)
    let layerCount = store.entries[place].entry.model.layers.count
    do throws(StoreError) {
      let grams = try store.grams(
        minibatch, key, layerCount: layerCount, isChecked: !verified.contains(path))
      verified.insert(path)
      return grams
    } catch {
      guard error.kind == .data || error.kind == .noInput else { throw error }
      try remake(minibatch, key, of: place, because: error)
      return try store.grams(minibatch, key, layerCount: layerCount, isChecked: true)
    }
  }

  /// Multiplies what was not yet multiplied of a minibatch.
  func makeProducts(_ minibatch: Int) throws {
    let start = ContinuousClock.now
    try products.addAll(in: store, minibatch) { (error) throws(StoreError) in
      observe(.note("\(error.description); recomputed"))
      StorePath.remove(error.path)
    }
    let models = try store.entries.indices.map { place in
      let entry = store.entries[place].entry
      guard let key = entry.key(minibatch) else {
        throw StoreError(
          .data, store.path,
          "lacks minibatch \(minibatch + 1) of \(entry.model.name): give its model again")
      }
      return ProductMaker.Model(
        side: .init(key: key, layerCount: entry.model.layers.count), place: place)
    }
    let known = products
    func isKnown(_ a: Int, _ b: Int) -> Bool {
      known.contains(minibatch, models[a].side.key, models[b].side.key)
    }
    let missing = models.indices.reduce(0) { sum, b in
      sum + (0...b).count { a in !isKnown(a, b) }
    }
    summary.productsMade += missing
    summary.productsFound += models.count * (models.count + 1) / 2 - missing
    let blocks = ProductMaker.blocks(
      layerCounts: models.map(\.side.layerCount), isKnown: isKnown)
    guard !blocks.isEmpty else { return }
    try StorePath.makeFolder(store.productsFolder(minibatch))
    let settings = store.document.settings
    let maker = ProductMaker(
      memory: memory,
      packedCount: settings.estimatorValue.centering.packedCount(
        exampleCount: store.plan.batches.size(of: minibatch)),
      storePrecision: settings.storePrecision, meter: meter)
    beginUnit(
      flops: blocks.reduce(0) { $0 + maker.flops($1, layerCounts: models.map(\.side.layerCount)) })
    var rest = ArraySlice(blocks)
    try onDevice { device in
      try make(&rest, of: models, minibatch, maker, on: device)
    }
    summary.productSeconds += start.elapsed
  }

  /// Makes the blocks of `rest`, taking each from it when it is in the store.
  private func make<D: PackedDevice>(
    _ rest: inout ArraySlice<ProductMaker.Block>, of models: [ProductMaker.Model],
    _ minibatch: Int, _ maker: ProductMaker, on device: D
  ) throws {
    var cache = StackCache<D>()
    let folder = store.productsFolder(minibatch)
    var pending: BackgroundWrite?
    func finish() throws(StoreError) {
      guard let last = pending else { return }
      pending = nil
      try last.finish()
      try products.add(
        "\(folder)/\(last.file.name)", minibatch: minibatch,
        layerCounts: store.layerCounts(minibatch))
    }
    do {
      while let block = rest.first {
        try devices.checkCancellation()
        let rows = block.rows.map { models[$0] }
        let columns = block.columns?.map { models[$0] }
        let matrix = try maker.products(rows: rows, columns: columns, on: device, cache: &cache) {
          try storedGrams(minibatch, $0.side.key, of: $0.place)
        }
        let file = ProductsFile(
          minibatch: minibatch, precision: device.info.precision, rows: rows.map(\.side),
          columns: (columns ?? rows).map(\.side))
        summary.productFlops += maker.flops(block, layerCounts: models.map(\.side.layerCount))
        try finish()
        pending = BackgroundWrite(file, matrix, in: folder)
        rest.removeFirst()
      }
    } catch {
      try finish()
      throw error
    }
    try finish()
  }

  /// Deletes matrices and products of models no longer in the sweep.
  private func removeUnused() throws(StoreError) {
    for minibatch in store.minibatches {
      let keys = Set(store.entries.compactMap { $0.entry.key(minibatch) })
      let folder = store.gramsFolder(minibatch)
      for name in try StorePath.contents(folder) {
        guard let key = GramFile.key(ofFile: name), !keys.contains(key) else { continue }
        StorePath.remove("\(folder)/\(name)")
      }
      for path in products.unusedFiles(minibatch, keys: keys) { StorePath.remove(path) }
    }
  }
}
