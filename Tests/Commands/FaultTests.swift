import Foundation
import TestSupport
import Testing

/// System calls that fail: the system's message and its exit code, and nothing that was lost or stays behind.
/// `Scripts/test-faults.py` tries them all.
struct FaultTests {
  let cka: Cka

  /// `Tests/Faults/faults.c`, compiled.
  private static let shim = Result {
    let folder = try TemporaryFolder()
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Faults/faults.c").path
    let compiler = Process()
    compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    compiler.arguments = [
      "clang", "-shared", "-fPIC", "-o", "\(folder.path)/faults.so", source, "-ldl",
    ]
    try compiler.run()
    compiler.waitUntilExit()
    try #require(compiler.terminationStatus == 0)
    return folder
  }

  init() throws {
    cka = try Cka()
    try cka.folder.write(TestModel(layers: 2, n: 12).npz, to: "a.npz")
  }

  /// The command, of whose calls of a kind that concern `file`, or files in it, the one at `moment` goes wrong.
  private func cka(_ kind: String, at moment: Int = 1, of file: String = "") throws -> Cka {
    var cka = cka
    let path = cka.folder.path
    cka.environment["LD_PRELOAD"] = "\(try Self.shim.get().path)/faults.so"
    cka.environment["FAULT_KIND"] = kind
    cka.environment["FAULT_AT"] = String(moment)
    cka.environment["FAULT_ROOT"] = file.isEmpty ? path : "\(path)/\(file)"
    return cka
  }

  private static let compare = [
    "compare", "a.npz", "--device", "cpu", "--output", "out", "--quiet",
  ]

  @Test func aFailingDiskIsNoDamagedFile() throws {
    let model = TestModel(layers: 2, n: 12)
    try cka.folder.write(model.npy(0), to: "a.npy")
    try ZipFile.writeDeflated(
      [(name: "a.npy", data: model.npy(0))], to: "\(cka.folder.path)/deflated.npz")
    try cka.folder.write(model.safetensors, to: "a.safetensors")
    try cka.folder.write(model.npy(0), to: "listed/layer0.npy")
    try cka.folder.write(sampleIDs(Array(1...12)), to: "listed/layers.json")
    try cka.folder.write(model.npy(0), to: "named/layer0.npy")
    try cka.folder.write("x\n", to: "named/examples.txt")
    var models = [
      ("a.npy", "a.npy"), ("a.npz", "a.npz"), ("deflated.npz", "deflated.npz"),
      ("a.safetensors", "a.safetensors"), ("listed", "listed/layers.json"),
      ("named", "named/examples.txt"), ("named", "named/layer0.npy"),
    ]
    #if HDF5
      // libhdf5's own words were of damage, or of a chunk that was never written.
      try FileManager.default.copyItem(atPath: hdf5File, toPath: "\(cka.folder.path)/a.h5")
      models.append(("a.h5", "a.h5"))
    #endif
    for (model, file) in models {
      let cka = try cka("unreadable", of: file)
      try cka("inspect", model).expectFailure(74, file, "Input/output error")
      try cka("compare", model, "--device", "cpu").expectFailure(74, file, "Input/output error")
    }
    #if HDF5
      for read in [2, 5, 9] {
        try cka("read-error", at: read, of: "a.h5")("compare", "a.h5", "--device", "cpu")
          .expectFailure(74, "a.h5", "Input/output error")
      }
    #endif
    let labels = NPYFile.bytes(
      (0..<12).map { Double($0 % 2) }, shape: [12], type: .int64)
    try cka.folder.write(labels, to: "labels.npy")
    try cka("unreadable", of: "labels.npy")(
      "probe", "a.npz", "--labels", "labels.npy", "--device", "cpu"
    ).expectFailure(74, "labels.npy", "Input/output error")
    try cka.folder.write("model,group,seed\na,a,1\n", to: "models.csv")
    try cka("unreadable", of: "models.csv")(
      "sweep", "a.npz", "--device", "cpu", "--output", "out", "--models-csv", "models.csv"
    ).expectFailure(74, "models.csv", "Input/output error")
    try cka.expectNothingWritten()
  }

  #if HDF5
    private var hdf5File: String {
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Activations/Files/HDF5Files/lzf.h5").path
    }
  #endif

  /// What `lstat` could not see was opened all the same, and was "missing" then.
  @Test func whatCannotBeSeenIsNotMissing() throws {
    try cka.folder.write(TestModel(layers: 2, n: 12).npy(0), to: "m/layer0.npy")
    for (file, model) in [("m/examples.txt", "m"), ("a.examples.txt", "a.npz")] {
      try cka("look-error", of: file)("compare", model, "--device", "cpu", "--output", "out")
        .expectFailure(74, file, "Input/output error")
    }
    // The folder above the result was taken to be there.
    #expect(mkdir("\(cka.folder.path)/deep", 0o700) == 0)
    for moment in 1...8 {
      let run = try cka("look-error", at: moment, of: "deep")(
        "compare", "a.npz", "--device", "cpu", "--output", "deep/er/out", "--force", "--quiet")
      #expect(run.code == 0 || run.code == 74, "\(moment): \(run.errors)")
      #expect(run.code == 0 || run.errors.contains("Input/output error"), "\(run.errors)")
    }
    let sweep = ["sweep", "a.npz", "--device", "cpu", "--output", "store", "--quiet"]
    try cka.run(sweep + ["--shard", "1/1"]).expectSuccess()
    // A new store was begun in the place of one that could not be seen.
    let unseen = try cka("look-error", of: "store/store.json")
    try unseen.run(sweep).expectFailure(74, "store/store.json", "Input/output error")
    try unseen("merge", "store", "--output", "out")
      .expectFailure(74, "store/store.json", "Input/output error")
    try cka.expectNothingWritten()
  }

  @Test func anEarlierResultThatCannotBeReadIsNotSomebodyElses() throws {
    try cka.run(Self.compare).expectSuccess()
    let before = try TestResult(cka, "out")
    try cka("unreadable", of: "out/result.json").run(Self.compare + ["--force"])
      .expectFailure(74, "out/result.json", "Input/output error")
    try cka("list-error", of: "out").run(Self.compare + ["--force"])
      .expectFailure(74, "out", "Input/output error")
    #expect(try TestResult(cka, "out").bytes == before.bytes)
  }

  /// Files of ours that could not be deleted were called somebody else's, and were kept for ever.
  @Test(arguments: ["remove-error", "look-error", "list-error"])
  func anEarlierResultThatCannotBeDeletedGoesWithTheNextRun(kind: String) throws {
    for moment in [1, 3, 5, 8, 12, 20, 30] {
      try cka.run(Self.compare + ["--force"]).expectSuccess()
      let run = try cka(kind, at: moment, of: "").run(Self.compare + ["--force"])
      #expect(run.code == 0 || run.code == 74, "\(kind) \(moment): \(run.errors)")
      #expect(!run.errors.contains("did not write"), "\(kind) \(moment): \(run.errors)")
      try cka.run(Self.compare + ["--force"]).expectSuccess()
      #expect(try cka.contents() == ["a.npz", "out"], "\(kind) \(moment)")
      _ = try TestResult(cka, "out")
    }
  }

  /// Calls that a handler of a signal interrupts are made again: opening and synchronizing were not.
  @Test func interruptedCallsAreMadeAgain() throws {
    for moment in stride(from: 1, through: 45, by: 4) {
      try cka("interrupt", at: moment).run(Self.compare + ["--force"]).expectSuccess()
    }
    _ = try TestResult(cka, "out")
    for moment in stride(from: 1, through: 200, by: 20) {
      let sweep = ["sweep", "a.npz", "--device", "cpu", "--output", "store", "--quiet"]
      try cka("interrupt", at: moment).run(sweep).expectSuccess()
    }
  }

  /// A file to unpack into had a name for a moment, and kept it when the process was killed then.
  @Test func filesToUnpackIntoHaveNoNames() throws {
    try ZipFile.writeDeflated(
      [(name: "a.npy", data: TestModel(layers: 1, n: 12).npy(0))],
      to: "\(cka.folder.path)/deflated.npz")
    #expect(mkdir("\(cka.folder.path)/tmp", 0o700) == 0)
    // Nothing is there to be removed.
    var cka = try cka("remove-error", of: "tmp")
    cka.environment["TMPDIR"] = "\(cka.folder.path)/tmp"
    try cka("inspect", "deflated.npz").expectSuccess()
    #expect(try cka.contents(of: "tmp").isEmpty)
  }

  /// A disk that fails below a mapped file was told as a file that was cut short, without its name.
  @Test func aMappedFileThatCannotBeReadIsNamed() throws {
    let header = NPYFile.header(descr: "<f4", fortran: true, shape: [12, 3000])
    let numbers = (0..<12 * 3000).flatMap { (index: Int) -> [UInt8] in
      let bits = Float(37 * index % 251).bitPattern.littleEndian
      return withUnsafeBytes(of: bits) { Array($0) }
    }
    try cka.folder.write(NPYFile.bytes(header: header) + numbers, to: "columns.npy")
    for moment in 1...2 {
      try cka("mapped-error", at: moment, of: "columns.npy")(
        "compare", "columns.npy", "--device", "cpu", "--output", "out"
      ).expectFailure(74, "columns.npy: cannot be read: Input/output error")
    }
    try cka.expectNothingWritten()
  }

  /// A merge that was stopped while it wrote results had made a store that it refused afterwards.
  @Test func aMergeThatWasStoppedGoesOn() throws {
    let sweep = ["sweep", "a.npz", "--batch-size", "6", "--device", "cpu", "--quiet", "--output"]
    for shard in 1...2 {
      try cka.run(sweep + ["share\(shard)", "--shard", "\(shard)/2"]).expectSuccess()
    }
    let merge = ["merge", "share1", "share2", "--quiet", "--output"]
    try cka.run(merge + ["whole"]).expectSuccess()
    try cka("write-error", at: 2, of: "out/results").run(merge + ["out"])
      .expectFailure(74, "out/results", "Input/output error")
    try cka.run(merge + ["out"]).expectSuccess()
    #expect(try cka.contents(of: "out") == cka.contents(of: "whole"))
    #expect(
      try cka.bytes("out/results/pairs/a--a/cka.npy")
        == cka.bytes("whole/results/pairs/a--a/cka.npy"))
  }
}
