import Activations
import CKA
import Device
import Dispatch
import Glibc
import Support

extension Sweep {
  /// Completes the matrices of all models of the store and of those at `paths`.
  func makeGrams(of paths: [String], names givenNames: [String]) throws {
    let start = ContinuousClock.now
    try check(givenNames, of: paths)
    let names = ModelNames(paths: paths, given: givenNames)
    var given: Set<Int> = []
    for path in paths {
      let number = try add(path, names: names, given: given, of: paths.count)
      if given.insert(number).inserted { finishUnits(minibatches.count) }
    }
    if let damaged = store.damagedEntries.first {
      throw StoreError(.data, damaged.path, "\(damaged.reason); give its model again")
    }
    for (place, (number, entry)) in store.entries.enumerated() where !given.contains(number) {
      try checkOld(entry, place: place)
      finishUnits(minibatches.count)
    }
    summary.gramSeconds += start.elapsed
  }

  /// Refuses names that the store has for other models, or models that it has under other names.
  private func check(_ names: [String], of paths: [String]) throws(StoreError) {
    for (path, name) in zip(paths, names) {
      let location = ModelNames.location(of: path)
      for (_, entry) in store.entries {
        let isSame = entry.location == location
        if isSame, entry.model.name != name {
          throw StoreError(
            .usage, path, "is called \(entry.model.name) in the store, found --name \(name)")
        }
        if !isSame, entry.model.name == name {
          throw StoreError(.usage, path, "--name \(name) is the name of \(entry.model.path)")
        }
      }
    }
  }

  /// Adds the model at `path`, or finds it; returns its entry's number.
  private func add(
    _ path: String, names: ModelNames, given: Set<Int>, of pathCount: Int
  ) throws -> Int {
    let location = ModelNames.location(of: path)
    let files = FileStamp.files(ofModel: location)
    let own = store.entries.first { $0.entry.location == location }
    if !hasExamples { hasExamples = store.hasExamples }
    let isKnown =
      hasExamples
      && (own.map { !files.isEmpty && $0.entry.files == files && areThere($0.entry) } ?? false)
    if let own, try team.agree(isKnown, at: "looked for \(path)") {
      summary.gramsFound += minibatches.count
      return own.number
    }

    let model = try openModel(path)
    let share = try team.share(of: minibatches(of: model, path: path))
    var ownKeys: [Int: String] = [:]
    for (place, (index, minibatch)) in share.enumerated() {
      if place + 1 < share.count {
        let next = share[place + 1].minibatch
        DispatchQueue.global(qos: .utility).async { next.prefetch() }
      }
      let key = try RowDigest.key(of: minibatch, settings: store.document.settings.gramDigest)
      if place == 0 { checkRoom(for: model, path: path, among: pathCount) }
      beginUnit(after: place, flops: GramMaker.flops(minibatch))
      try make(minibatch, number: index, key: key)
      ownKeys[index] = key.hexadecimal
    }
    let keys = try team.exchange(ownKeys, at: "read \(path)")
      .reduce(into: [:]) { $0.merge($1) { own, _ in own } }

    let layers = model.layers.map { SweepModel.Layer($0) }
    var entry = ModelEntry(
      model: SweepModel(name: model.name, path: path, layers: layers), location: location,
      files: files, sample: try sample(of: model, path: path).hexadecimal,
      keys: keys, settings: store.settingsDigest)
    if let own {
      if own.entry.keys != entry.keys {
        observe(.note("\(oneLine(path)): has changed since it was added; recomputed"))
      }
      entry.model.name = own.entry.model.name
      try store.put(entry, number: own.number)
      return own.number
    }
    if let same = store.entries.first(where: {
      $0.entry.keys == entry.keys && $0.entry.model.layers == layers
    }) {
      if try given.contains(same.number) || StorePath.exists(same.entry.location) {
        observe(
          .note(
            "\(oneLine(path)): has the same activations as \(oneLine(same.entry.model.path)); both "
              + "are one model, \(oneLine(same.entry.model.name))"))
      } else {
        entry.model.name = same.entry.model.name
        try store.put(entry, number: same.number)
      }
      return same.number
    }
    let taken = Set(store.entries.map(\.entry.model.name))
    entry.model.name = names.name(of: model.name, path: path, taken: taken)
    let number = store.number(forModel: entry.model.name)
    if let damage = store.damage(ofEntry: number, model: entry.model.name) {
      observe(.note("\(damage.description); recomputed"))
    }
    try store.put(entry, number: number)
    return number
  }

  /// Makes the matrices of `key`, where they are not there.
  private func make(_ minibatch: Minibatch, number: Int, key: Digest) throws {
    let path = store.gramPath(number, key)
    if try StorePath.exists(path) {
      do throws(StoreError) {
        _ = try store.grams(number, key, layerCount: minibatch.layers.count)
        summary.gramsFound += 1
        return
      } catch {
        guard error.kind == .data else { throw error }
        observe(.note("\(error.description); recomputed"))
      }
    }
    try StorePath.makeFolder(store.gramsFolder(number))
    let maker = GramMaker(
      settings: store.document.settings, memory: memory, plan: store.plan)
    try onDevice { device in
      try maker.make(minibatch, number: number, key: key, on: device, path: path)
    }
    summary.gramsMade += 1
  }

  /// Makes a model's matrices again that are damaged or missing, where its files are still there.
  func remake(_ minibatch: Int, _ key: Digest, of place: Int, because error: StoreError) throws {
    let entry = store.entries[place].entry
    guard try StorePath.exists(entry.location) else {
      throw StoreError(
        .data, error.path,
        "\(error.reason), and its model \(entry.model.path) is missing, so it cannot be recomputed")
    }
    let model = try openModel(entry.location)
    let batches = try minibatches(of: model, path: entry.model.path)
    guard let rows = batches.first(where: { $0.index == minibatch })?.minibatch,
      try RowDigest.key(of: rows, settings: store.document.settings.gramDigest) == key
    else {
      throw StoreError(
        .data, error.path,
        "\(error.reason), and its model \(entry.model.path) has changed since: give it again")
    }
    observe(.note("\(error.description); recomputed"))
    StorePath.remove(error.path)
    try make(rows, number: minibatch, key: key)
  }

  /// Looks whether all matrices of an entry are there.
  private func areThere(_ entry: ModelEntry) -> Bool {
    store.minibatches.allSatisfy { minibatch in
      guard let key = entry.key(minibatch) else { return false }
      return
        (try? store.grams(minibatch, key, layerCount: entry.model.layers.count)) != nil
    }
  }

  /// A model of the store that was not given again.
  private func checkOld(_ entry: ModelEntry, place: Int) throws {
    let files = FileStamp.files(ofModel: entry.location)
    if !files.isEmpty, !entry.files.isEmpty, files != entry.files {
      observe(
        .note(
          "\(oneLine(entry.model.path)): may have changed since it was added; give it again to "
            + "recompute it"))
    }
    for minibatch in minibatches {
      guard let key = entry.key(minibatch) else {
        throw StoreError(
          .data, store.path,
          "lacks minibatch \(minibatch + 1) of \(entry.model.name): give its model again")
      }
      do throws(StoreError) {
        _ = try store.grams(minibatch, key, layerCount: entry.model.layers.count)
        summary.gramsFound += 1
      } catch {
        guard error.kind == .data || error.kind == .noInput else { throw error }
        try remake(minibatch, key, of: place, because: error)
      }
    }
  }

  // MARK: Examples

  /// The store's minibatches in the rows of `model`, with their indices in the plan.
  private func minibatches(
    of model: ActivationModel, path: String
  ) throws -> [(index: Int, minibatch: Minibatch)] {
    let rows = try pairing(of: model, path: path).right
    return store.minibatches.map { index in
      // Ascending among the first model's examples; the others follow.
      (
        index,
        Minibatch(
          layers: model.layers, examples: store.plan.batches[index].sorted().map { rows[$0] },
          meter: meter)
      )
    }
  }

  /// A digest of up to 64 compared examples, evenly spread.
  private func sample(of model: ActivationModel, path: String) throws -> Digest {
    let rows = try pairing(of: model, path: path).right
    let count = min(rows.count, 64)
    return try RowDigest.sample(
      of: Minibatch(
        layers: model.layers, examples: (0..<count).map { rows[$0 * rows.count / count] }))
  }

  /// How the examples of `model` pair up with those of the store.
  private func pairing(of model: ActivationModel, path: String) throws -> ExamplePairing {
    let settings = store.document.settings
    // The first model brings the examples.
    let reference = store.entries.isEmpty ? nil : try reference(for: model, path: path)
    var pairing = try ExamplePairing(
      reference ?? model, reference == nil ? nil : model, alignment: settings.alignmentValue,
      limit: settings.exampleLimit, seed: settings.seed)
    if reference?.exampleIDs == nil, let ids = model.exampleIDs {
      try store.write(SampleIDs(model: model.name, ids: ids))
    }
    if let dropped = store.document.dropped { pairing = pairing.without(dropped) }
    return pairing
  }

  /// A model that holds the store's examples and nothing else; nil where `model` itself brings them.
  private func reference(for model: ActivationModel, path: String) throws -> ActivationModel? {
    let (known, damage) = try store.knownExamples(for: model)
    let reference = try store.reference(known, path: path)
    if let damage {
      observe(.note("\(damage.description); taken from \(oneLine(path)) again"))
    }
    return reference
  }

  /// Says so where the disk has less room than all models will take.
  private func checkRoom(for model: ActivationModel, path: String, among count: Int) {
    let settings = store.document.settings
    let centering = settings.estimatorValue.centering
    let numbers = store.minibatches.reduce(0.0) {
      $0 + Double(centering.packedCount(exampleCount: store.plan.batches.size(of: $1)))
    }
    let size = numbers * Double(settings.storePrecision.size) * Double(model.layers.count)
    let new = max(count - store.entries.count, 1)
    var disk = statvfs()
    guard statvfs(store.path, &disk) == 0 else { return }
    let free = Double(disk.f_bavail) * Double(disk.f_frsize)
    guard size * Double(new) > free else { return }
    func whole(_ bytes: Double) -> Int { Int(min(bytes, 0x1p62)) }
    observe(.littleRoom(path: path, bytes: whole(size), models: new, free: whole(free)))
  }
}

/// The sample IDs of the first model that has some.
struct SampleIDs: Codable {
  var model: String
  var ids: [String]
}

extension Store {
  private var examplesPath: String { "\(path)/examples.json" }

  /// Whether the sample IDs are there that models are held against, as far as can be told.
  var hasExamples: Bool {
    guard let isThere = try? StorePath.exists(examplesPath) else { return false }
    guard isThere else { return entries.isEmpty || !isAlignedByID }
    return (try? sampleIDs()) != nil
  }

  private var isAlignedByID: Bool { document.settings.alignmentValue == .ids }

  private func sampleIDs() throws(StoreError) -> SampleIDs {
    let ids = try CheckedDocument<SampleIDs>.read(examplesPath)
    try ids.check(examplesPath, exampleCount: document.exampleCount)
    return ids
  }

  /// The sample IDs that models are held against, where there are any. Those that are damaged are taken away, if
  /// `model` brings them again, and the damage told.
  func knownExamples(
    for model: ActivationModel
  ) throws(StoreError) -> (ids: SampleIDs?, damage: StoreError?) {
    guard try StorePath.exists(examplesPath) else { return (nil, nil) }
    do throws(StoreError) {
      return (try sampleIDs(), nil)
    } catch {
      guard error.kind == .data, !error.isIntact, model.exampleIDs != nil else { throw error }
      StorePath.remove(examplesPath)
      return (nil, error)
    }
  }

  /// A model that holds the store's examples, with the sample IDs that are `known`, and nothing else, for the
  /// model at `path`; nil where that itself brings them.
  func reference(_ known: SampleIDs?, path: String) throws -> ActivationModel? {
    // By ID, the rows of all models are in the order of the first: no other can tell it.
    if known == nil, isAlignedByID, let first = entries.first?.entry {
      guard first.location == ModelNames.location(of: path) else {
        throw StoreError(
          .data, examplesPath,
          "is missing or damaged, and defines the order of examples: give \(first.model.path) again, "
            + "before any other model")
      }
      return nil
    }
    let layer = LayerActivations(
      name: "", values: [Int8](repeating: 0, count: document.exampleCount), scalarType: .int8,
      exampleCount: document.exampleCount, featureAxes: [1])
    return ActivationModel(
      name: known?.model ?? entries.first?.entry.model.name ?? "the store", layers: [layer],
      exampleIDs: known?.ids)
  }

  /// Keeps sample IDs for the models to come.
  func write(_ ids: SampleIDs) throws {
    guard isWritten else { return }
    try NewFile.write(try CheckedDocument<SampleIDs>.bytes(ids), to: examplesPath)
  }
}
