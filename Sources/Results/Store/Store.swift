import Activations
import CKA
import FoundationEssentials
import Glibc
import Support

/// A folder that holds Gram matrices of models and their products, format `cka-store/1`
/// (`Documentation/FileFormats.md`).
///
///     store.json                                    settings
///     examples.json                                 sample IDs, where models have them
///     models/0001-NAMEHASH.json                     a model: layers, files, keys
///     minibatches/1/grams/KEY.grams                 a model's matrices of a minibatch
///     minibatches/1/products/NAME.products          products of some models' matrices
///     lock                                          who is writing
///     results/                                      what users read
struct Store {
  static let format = "cka-store/1"

  /// What `store.json` says.
  struct Document: Codable, Sendable, Hashable {
    var format = Store.format
    var settings: SweepSettings
    /// n of every model.
    var exampleCount: Int
    /// Examples, ascending, that are left out of all models (`SweepSettings.dropExamples`); nil where none was
    /// looked for.
    var dropped: [Int]?
    var shard: Shard?

    /// Of all that entries must agree on.
    var digest: String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      let text = (try? encoder.encode(self)) ?? Data()
      return Digest(of: String(decoding: text, as: UTF8.self)).hexadecimal
    }

    /// Examples that are compared.
    var comparedCount: Int {
      max(
        min(settings.exampleLimit ?? exampleCount, exampleCount) - (dropped?.count ?? 0), 0)
    }
  }

  let path: String
  let document: Document
  /// The models with the numbers of their entries, in order.
  private(set) var entries: [(number: Int, entry: ModelEntry)] = []
  /// What is wrong with entries that cannot be read, each of which has the path of its file.
  private(set) var damagedEntries: [StoreError] = []
  let plan: MinibatchPlan
  /// Whether this process writes entries; of a team, only the first does.
  var isWritten = true

  /// The minibatches that this store is to hold: all, or its shard's.
  var minibatches: [Int] {
    document.shard?.minibatches(of: plan.batches.count) ?? Array(plan.batches.indices)
  }

  /// The document's digest.
  let settingsDigest: String

  /// Opens the store at `path` for reading.
  init(reading path: String) throws(StoreError) {
    try self.init(path, Self.document(path))
  }

  /// What the `store.json` of a store says.
  static func document(_ path: String) throws(StoreError) -> Document {
    guard try StorePath.exists("\(path)/store.json") else {
      throw StoreError(.noInput, path, "is not a store of cka sweep: store.json is missing")
    }
    return try CheckedDocument<Document>.read("\(path)/store.json")
  }

  /// A store whose `store.json` says `document`.
  init(_ path: String, _ document: Document) throws(StoreError) {
    guard document.format == Self.format else {
      throw StoreError(
        .data, "\(path)/store.json",
        "found the format \(document.format), expected \(Self.format)")
    }
    self.path = path
    self.document = document
    settingsDigest = document.digest
    plan = try document.checkedPlan { field, found, expected in
      .damaged("\(path)/store.json", field, found: found, expected: expected)
    }
    try readEntries()
  }

  private mutating func readEntries() throws(StoreError) {
    for name in try StorePath.contents(modelsFolder) {
      guard let number = ModelEntry.number(ofFile: name) else { continue }
      let path = "\(modelsFolder)/\(name)"
      let entry: ModelEntry
      do {
        entry = try CheckedDocument<ModelEntry>.read(path)
      } catch {
        guard error.kind == .data, !error.isIntact else { throw error }
        damagedEntries.append(error)
        continue
      }
      try entry.check(path, number: number, in: self)
      let isTaken = entries.contains {
        $0.number == number || $0.entry.model.name == entry.model.name
      }
      guard !isTaken else {
        throw StoreError(
          .data, path, "is damaged: another model has the same number or name")
      }
      entries.append((number, entry))
    }
    entries.sort { $0.number < $1.number }
  }

  /// Throws where the store holds nothing to read.
  func checkHasModels() throws(StoreError) {
    if let damaged = damagedEntries.first {
      throw StoreError(
        .data, damaged.path, "\(damaged.reason); run cka sweep with its model again")
    }
    guard entries.isEmpty else { return }
    throw StoreError(.data, path, "holds no models: run its cka sweep again")
  }

  /// Puts an entry under a number, in place of one that may have it.
  mutating func put(_ entry: ModelEntry, number: Int) throws {
    let name = ModelEntry.fileName(number: number, model: entry.model.name)
    if isWritten {
      try StorePath.makeFolder(modelsFolder)
      try NewFile.write(
        try CheckedDocument<ModelEntry>.bytes(entry), to: "\(modelsFolder)/\(name)")
    }
    damagedEntries.removeAll { splitPath($0.path).name == name }
    if let index = entries.firstIndex(where: { $0.number == number }) {
      entries[index].entry = entry
    } else {
      entries.append((number, entry))
      entries.sort { $0.number < $1.number }
    }
  }

  /// The number of an entry that a model of this name would have: that of a damaged one, or the first
  /// that is free.
  func number(forModel name: String) -> Int {
    let numbers = damagedEntries.compactMap {
      ModelEntry.number(ofFile: splitPath($0.path).name)
    }
    let own = numbers.first { damage(ofEntry: $0, model: name) != nil }
    let taken = Set(entries.map(\.number) + numbers)
    return own ?? (1...).first { !taken.contains($0) } ?? 1
  }

  /// What is wrong with the entry of a number and a model; nil where that is read, or there is none.
  func damage(ofEntry number: Int, model: String) -> StoreError? {
    let name = ModelEntry.fileName(number: number, model: model)
    return damagedEntries.first { splitPath($0.path).name == name }
  }

  var modelsFolder: String { "\(path)/models" }

  /// The folder of a minibatch's matrices; folders count from 1, as people do.
  func gramsFolder(_ minibatch: Int) -> String { "\(path)/minibatches/\(minibatch + 1)/grams" }

  /// The folder of a minibatch's products.
  func productsFolder(_ minibatch: Int) -> String {
    "\(path)/minibatches/\(minibatch + 1)/products"
  }

  /// The file of a model's matrices of a minibatch.
  func gramPath(_ minibatch: Int, _ key: Digest) -> String {
    "\(gramsFolder(minibatch))/\(key.hexadecimal)\(GramFile.ending)"
  }

  /// The matrices of `key` of a minibatch, of a model of so many layers.
  ///
  /// - Throws: `.data` where the file is damaged or holds something else, `.noInput` where there is none.
  func grams(
    _ minibatch: Int, _ key: Digest, layerCount: Int, isChecked: Bool = false
  ) throws(StoreError) -> StoredGrams {
    let expected = GramContents(
      key: key, minibatch: minibatch, exampleCount: plan.batches.size(of: minibatch),
      layerCount: layerCount, centering: document.settings.estimatorValue.centering,
      storePrecision: document.settings.storePrecision)
    return try StoredGrams(
      gramPath(minibatch, key), expected: expected, isChecked: isChecked)
  }

  /// Layers of the models, by the keys of their matrices of a minibatch.
  func layerCounts(_ minibatch: Int) -> [Digest: Int] {
    var counts: [Digest: Int] = [:]
    for (_, entry) in entries {
      if let key = entry.key(minibatch) { counts[key] = entry.model.layers.count }
    }
    return counts
  }

  /// Writes `store.json`.
  static func write(_ document: Document, to path: String) throws {
    try StorePath.makeFolder(path)
    try NewFile.write(
      try CheckedDocument<Document>.bytes(document), to: "\(path)/store.json")
  }

  /// Takes away the files of an unfinished store, and its folders, where nothing else is in them.
  static func removeFiles(at path: String) {
    func empty(_ folder: String, _ isOwn: (String) -> Bool) {
      guard StorePath.type(folder) == S_IFDIR else { return }
      for name in (try? StorePath.contents(folder)) ?? [] where isOwn(name) {
        StorePath.remove("\(folder)/\(name)")
      }
      rmdir(folder)
    }
    func isOwn(_ name: String) -> Bool { StorePath.isOwn(name) || StorePath.isLeftover(name) }
    let minibatches = "\(path)/minibatches"
    if StorePath.type(path) == S_IFDIR, StorePath.type(minibatches) == S_IFDIR {
      for name in (try? StorePath.contents(minibatches)) ?? [] where Int(name) != nil {
        let folder = "\(minibatches)/\(name)"
        guard StorePath.type(folder) == S_IFDIR else { continue }
        empty("\(folder)/grams", isOwn)
        empty("\(folder)/products", isOwn)
        rmdir(folder)
      }
      rmdir(minibatches)
    }
    empty("\(path)/models", isOwn)
    empty(path, isOwn)
  }

  /// Takes away what processes left when they were killed. Only for who holds the lock.
  ///
  /// - Throws: `.cannotCreate` where a folder of the store is a link: files of another store, or of
  ///   somebody, may lie behind it.
  func removeLeftovers() throws(StoreError) {
    var folders = [path]
    func add(_ folder: String) throws(StoreError) {
      guard let type = StorePath.type(folder) else { return }
      guard type == S_IFDIR else {
        let found = type == S_IFLNK ? "a symbolic link" : "no folder"
        throw StoreError(
          .cannotCreate, folder,
          "is \(found): folders inside a store must not be links; only the store itself may be one")
      }
      folders.append(folder)
    }
    try add(modelsFolder)
    try add("\(path)/minibatches")
    for minibatch in minibatches {
      try add("\(path)/minibatches/\(minibatch + 1)")
      try add(gramsFolder(minibatch))
      try add(productsFolder(minibatch))
    }
    for folder in folders {
      for name in try StorePath.contents(folder) where StorePath.isLeftover(name) {
        StorePath.remove("\(folder)/\(name)")
      }
    }
  }
}
