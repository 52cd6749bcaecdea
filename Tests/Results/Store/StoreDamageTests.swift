import Foundation
import TestSupport
import Testing

@testable import SweepStore

/// Files of a store that are not what they were: each is noticed, named and made again.
@Suite struct StoreDamageTests {
  enum Kind: String, CaseIterable {
    case grams, products, model, examples, store

    func file(in names: some Sequence<String>) throws -> String {
      let sorted = names.sorted()
      let found: String? =
        switch self {
        case .grams: sorted.first { $0.hasSuffix(".grams") }
        case .products: sorted.first { $0.hasSuffix(".products") }
        case .model: sorted.first { $0.hasPrefix("models/") }
        case .examples: sorted.first { $0 == "examples.json" }
        case .store: sorted.first { $0 == "store.json" }
        }
      return try #require(found)
    }
  }

  /// How a file comes to harm.
  enum Harm: CaseIterable {
    case start, header, middle, end, cut, emptied, lost
  }

  @Test(arguments: Kind.allCases, Harm.allCases) func isMendedFromTheModels(
    kind: Kind, harm: Harm
  ) throws {
    let study = try Study()
    let ids = Array(0..<56)
    let models = try (1...2).map { try study.write("m\($0)", seed: $0, ids: ids) }
    try study.sweep("store", models)
    let before = try study.files("store")
    let name = try kind.file(in: before.keys)
    try inflict(harm, on: "store/\(name)", of: study)
    if kind == .grams || kind == .products {
      // Products that must be made again need the matrices, damaged or not.
      let products = before.keys.filter { $0.hasSuffix(".products") && $0 != name }
      for name in products { unlink(study.path("store/\(name)")) }
    }

    try study.sweep("store", models)
    // What is lost is made without a word, but for the settings. Damaged models and sample IDs once were, too.
    let isSilent = harm == .lost && kind != .store
    if !isSilent {
      #expect(study.notes.contains { $0.contains(name) }, "\(study.notes)")
    }
    let after = try study.files("store")
    if kind == .examples, harm == .lost {
      // Models need not have sample IDs: those that are lost come again with the next model that is read.
      #expect(after.count == before.count - 1)
      return
    }
    for (name, data) in before {
      // Nothing but the time of the last look may differ.
      #expect(after[name] == data, "\(name)")
    }
    #expect(after.count == before.count)
  }

  /// Where models are aligned by ID, the order of the first one's is that of all rows. Once the next model
  /// gave its own order where that was lost, and was compared with other examples than it has.
  @Test(arguments: [Harm.lost, .middle]) func theOrderOfExamplesComesFromTheFirstModel(
    harm: Harm
  ) throws {
    let study = try Study()
    study.settings.alignment = "ids"
    let a = try study.write("a", seed: 1, ids: Array(0..<56))
    try study.sweep("store", [a])
    let before = try study.files("store")
    try inflict(harm, on: "store/examples.json", of: study)
    let b = try study.write("b", seed: 2, ids: Array((0..<56).reversed()))
    expectError(.data, "examples.json", "missing or damaged", "give \(a) again") {
      try study.sweep("store", [b])
    }
    try study.sweep("store", [a, b])
    #expect(try study.files("store")["examples.json"] == before["examples.json"])
    try study.sweep("whole", [a, b])
    #expect(try study.bits("store") == study.bits("whole"))
  }

  /// Damaged numbers are found without the model, and not used.
  @Test(arguments: [Kind.grams, .products, .model, .store]) func isAnErrorWithoutTheModels(
    kind: Kind
  ) throws {
    let study = try Study()
    let (a, b) = (try study.write("a", seed: 1), try study.write("b", seed: 2))
    try study.sweep("store", [a])
    try FileManager.default.removeItem(atPath: a)
    let name = try kind.file(in: try study.files("store").keys)
    try study.damage("store/\(name)", at: 0.9)
    switch kind {
    case .grams:
      expectError(.data, name, "is damaged", "\(a) is missing, so it cannot be recomputed") {
        try study.sweep("store", [b])
      }
    case .products:
      expectError(.data, name, "is damaged") { _ = try study.results("store") }
      // The matrices are there to multiply again.
      try study.sweep("store", [b])
      #expect(try study.results("store").models.count == 2)
    case .model:
      expectError(.data, name, "is damaged") { try study.sweep("store", [b]) }
      expectError(.data, name, "is damaged") { _ = try study.results("store") }
    default:
      expectError(.data, name, "is damaged") { _ = try study.results("store") }
      study.settings.seed = 1
      expectError(.data, name, "is damaged", "other settings") { try study.sweep("store", [b]) }
      study.settings.seed = 0
      try study.sweep("store", [b])
      #expect(try study.results("store").models.count == 2)
    }
  }

  /// A model that has changed is not what a damaged file was made of.
  @Test func isNotMendedFromAnotherModel() throws {
    let study = try Study()
    let (a, b) = (try study.write("a", seed: 1), try study.write("b", seed: 2))
    try study.sweep("store", [a])
    let name = try Kind.grams.file(in: try study.files("store").keys)
    try study.damage("store/\(name)", at: 0.1)
    try study.write("a", seed: 7)
    expectError(.data, name, "has changed since") { try study.sweep("store", [b]) }
  }

  /// Every bit of every header, and of some numbers, is covered.
  @Test func everyByteIsChecked() throws {
    let study = try Study(batchSize: 8)
    let a = try study.write("a", seed: 1, layers: 2, n: 8)
    try study.sweep("store", [a])
    let files = try study.files("store")
    for kind in [Kind.grams, .products] {
      let name = try kind.file(in: files.keys)
      let data = try #require(files[name])
      let entry = try #require(try Store(reading: study.path("store")).entries.first?.entry)
      let key = try #require(entry.key(0))
      let expected = GramContents(
        key: key, minibatch: 0, exampleCount: 8, layerCount: 2, centering: .unbiased,
        storePrecision: .float32)
      for index in data.indices {
        var other = data
        other[index] ^= UInt8(1 << (index % 8))
        let path = study.path("one")
        try other.write(to: URL(fileURLWithPath: path))
        expectError(.data, "one", "is damaged") {
          if kind == .grams {
            _ = try StoredGrams(path, expected: expected, isChecked: true)
          } else {
            var products = ProductIndex()
            try products.add(path, minibatch: 0, layerCounts: [key: 2])
          }
        }
      }
    }
  }

  @Test func leftoversGo() throws {
    let study = try Study()
    let a = try study.write("a", seed: 1)
    try study.sweep("store", [a])
    let before = try study.files("store")
    for folder in ["", "models/", "minibatches/1/grams/", "minibatches/2/products/"] {
      let name = folder.isEmpty ? "store.json" : "\(String(repeating: "0", count: 32)).grams"
      try study.folder.write("x", to: "store/\(folder).partial-\(name).1")
    }
    try study.folder.write(
      "x", to: "store/minibatches/1/grams/\(String(repeating: "0", count: 32)).grams")
    try study.sweep("store", [a])
    #expect(try study.files("store").keys == before.keys)
  }

  /// What a store did not write stays, whatever it is called.
  @Test func nothingElseGoes() throws {
    let study = try Study()
    let a = try study.write("a", seed: 1)
    try study.sweep("store", [a])
    let others = [
      "models/.partial-notes.txt", "models/.partial-notes.1", "minibatches/1/grams/notes.grams",
      "minibatches/1/products/notes.products",
      "minibatches/1/grams/\(String(repeating: "0", count: 32)).grams/notes.txt",
    ]
    for name in others { try study.folder.write("mine", to: "store/\(name)") }
    try study.write("a", seed: 2)
    try study.sweep("store", [a])
    for name in others { #expect(try StorePath.exists(study.path("store/\(name)")), "\(name)") }
    _ = try study.results("store")
  }

  /// A folder of the store that is a link leads to what is not the store's.
  @Test(arguments: ["models", "minibatches", "minibatches/1", "minibatches/1/grams"])
  func linksAreNotFollowed(folder: String) throws {
    let study = try Study()
    let a = try study.write("a", seed: 1)
    try study.sweep("store", [a])
    #expect(rename(study.path("store/\(folder)"), study.path("elsewhere")) == 0)
    #expect(symlink(study.path("elsewhere"), study.path("store/\(folder)")) == 0)
    expectError(.cannotCreate, "store/\(folder)", "is a symbolic link") {
      try study.sweep("store", [a])
    }
    // A link to the whole store is as good as the store.
    #expect(unlink(study.path("store/\(folder)")) == 0)
    #expect(rename(study.path("elsewhere"), study.path("store/\(folder)")) == 0)
    #expect(symlink("store", study.path("link")) == 0)
    #expect(try study.sweep("link", [a]).gramsMade == 0)
  }

  /// The lock of a store is a file of its own: once the file behind a link was emptied and overwritten.
  @Test func locksOverwriteNothing() throws {
    let study = try Study()
    let a = try study.write("a", seed: 1)
    try study.sweep("store", [a])
    let lock = study.path("store/lock")
    func refuses(_ words: String) throws {
      for _ in 0..<2 {
        expectError(.cannotCreate, "store/lock", words) { try study.sweep("store", [a]) }
      }
      unlink(lock)
    }
    try study.folder.write("mine", to: "notes.txt")
    unlink(lock)
    symlink("../notes.txt", lock)
    try refuses("is a symbolic link")
    symlink("nothing", lock)
    try refuses("is a symbolic link")
    #expect(try !StorePath.exists(study.path("store/nothing")))
    link(study.path("notes.txt"), lock)
    try refuses("single link")
    mkfifo(lock, 0o600)
    try refuses("not a regular file")
    try study.folder.write("mine", to: "store/lock")
    try refuses("did not write")
    #expect(try String(contentsOfFile: study.path("notes.txt"), encoding: .utf8) == "mine")
    try study.sweep("store", [a])
  }

  private func inflict(_ harm: Harm, on name: String, of study: Study) throws {
    switch harm {
    case .start: try study.damage(name, at: 0)
    case .header: try study.damage(name, at: 0.02)
    case .middle: try study.damage(name, at: 0.5)
    case .end: try study.damage(name, at: 0.98)
    case .cut:
      let data = try Data(contentsOf: URL(fileURLWithPath: study.path(name)))
      try data.prefix(data.count * 2 / 3).write(to: URL(fileURLWithPath: study.path(name)))
    case .emptied: try Data().write(to: URL(fileURLWithPath: study.path(name)))
    case .lost: unlink(study.path(name))
    }
  }
}
