import Foundation
import TestSupport
import Testing

/// Models that cannot be used: one line that names the file, the right exit code, nothing written,
/// little memory.
struct DamageTests {
  let cka: Cka

  init() throws { cka = try Cka() }

  private func expectRefusal(
    of model: DamagedModel, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try model.make(cka.folder, "damaged")
    try cka.folder.write(TestModel(layers: 1, n: 12).npz, to: "whole.npz")
    let words = ["damaged"] + model.words
    let compare = ["compare", "damaged", "--device", "cpu"]
    let (run, peak) = try cka.runMeasuringMemory(compare)
    run.expectFailure(model.code, words, sourceLocation: sourceLocation)
    if let peak { #expect(peak < 200 << 20, sourceLocation: sourceLocation) }
    try cka("compare", "whole.npz", "damaged", "--device", "cpu")
      .expectFailure(model.code, words, sourceLocation: sourceLocation)
    try cka("inspect", "damaged")
      .expectFailure(model.code, words, sourceLocation: sourceLocation)
    try cka.expectNothingWritten(sourceLocation: sourceLocation)
  }

  @Test(arguments: DamagedFiles.npyFiles)
  func refusesNPY(_ model: DamagedModel) throws { try expectRefusal(of: model) }

  @Test(arguments: DamagedFiles.npzFiles)
  func refusesNPZ(_ model: DamagedModel) throws { try expectRefusal(of: model) }

  @Test(arguments: DamagedFiles.safetensorsFiles)
  func refusesSafetensors(_ model: DamagedModel) throws { try expectRefusal(of: model) }

  @Test(arguments: DamagedFolders.otherFormats)
  func refusesOtherFormats(_ model: DamagedModel) throws { try expectRefusal(of: model) }

  @Test(arguments: DamagedFolders.folders)
  func refusesFolders(_ model: DamagedModel) throws { try expectRefusal(of: model) }

  @Test(arguments: DamagedFolders.specialFiles)
  func refusesSpecialFiles(_ model: DamagedModel) throws { try expectRefusal(of: model) }

  @Test(arguments: [
    ("/dev/zero", "device"), ("whole.npz/below", "Not a directory"), ("", "No such file"),
    (String(repeating: "n", count: 300), "too long"), ("two\nlines", "two\\nlines"),
    ("\u{1B}[31mred", "\\u{1B}"),
  ])
  func refusesPaths(path: String, words: String) throws {
    try cka.folder.write(TestModel(layers: 1).npz, to: "whole.npz")
    try cka("compare", path, "--device", "cpu").expectFailure(66, words)
    try cka("inspect", path).expectFailure(66, words)
    try cka.expectNothingWritten()
  }

  @Test func refusesModelsOfOtherExamples() throws {
    try cka.folder.write(TestModel(layers: 2, n: 12).npz, to: "a.npz")
    try cka.folder.write(TestModel(layers: 2, n: 13).npz, to: "b.npz")
    try cka("compare", "a.npz", "b.npz", "--device", "cpu").expectFailure(65, "b.npz", "12", "13")
    try TestModel(layers: 2, n: 4).write(to: "c", in: cka.folder)
    try TestModel(layers: 2, n: 4).write(to: "d", in: cka.folder)
    try cka.folder.write(sampleIDs([1, 2, 3, 4]), to: "c/layers.json")
    try cka.folder.write("{\"examples\": [1, \"x\\ny\", 3, 4]}", to: "d/layers.json")
    try cka("compare", "c", "d", "--device", "cpu")
      .expectFailure(65, "d: ", "example 1 is \"x\\ny\"", "\"2\" in c")
    try cka.expectNothingWritten()
  }

  /// Arrays in column-major order are read where they are mapped, others are copied. A million passes
  /// take hours: however late this test cuts the file on a busy machine, it is being read.
  @Test(arguments: [false, true], ["cpu", "auto"])
  func survivesCuttingWhileReading(isFortran: Bool, device: String) throws {
    let header = NPYFile.header(descr: "<f4", fortran: isFortran, shape: [4096, 4096])
    let path = try cka.folder.write(NPYFile.bytes(header: header), to: "m.npy")
    let size = try cka.bytes("m.npy").count
    #expect(truncate(path, size + 4096 * 4096 * 4) == 0)
    var process = try cka.start(["compare", "m.npy", "--device", device, "--passes", "1000000"])
    // A file of the system's gives a page at a time; whoever takes a short page for its end sees no more of it.
    func isMapped() -> Bool {
      guard let maps = fopen("/proc/\(process.id)/maps", "r") else { return false }
      defer { fclose(maps) }
      var text: [UInt8] = []
      var part = [UInt8](repeating: 0, count: 1 << 16)
      while case let count = fread(&part, 1, part.count, maps), count > 0 {
        text += part.prefix(count)
      }
      return String(decoding: text, as: UTF8.self).contains("m.npy")
    }
    while process.isRunning(), !isMapped() {}
    #expect(truncate(path, 8192) == 0)
    let run = try process.wait()
    #expect(run.code == 74 && run.output.isEmpty, "\(run.errors)")
    #expect(run.errors.contains("cut short while it was read"), "\(run.errors)")
    #expect(run.errorLines.filter { $0.hasPrefix("cka: error: ") }.count == 1)
    try cka.expectNothingWritten()
  }

  /// Files with single wrong bytes may be read or refused, and nothing else.
  @Test(arguments: [".npy", ".npz", ".safetensors"])
  func survivesMutations(format: String) throws {
    let model = TestModel(layers: 2, n: 8)
    let whole = [".npy": model.npy(0), ".npz": model.npz][format] ?? model.safetensors
    var generator = SeededGenerator(seed: 11)
    for round in 0..<40 {
      var bytes = whole
      for _ in 0...(round % 3) {
        // Half of the changes in the first bytes, where the headers are.
        let limit = Bool.random(using: &generator) ? 64 : bytes.count
        bytes[Int.random(in: 0..<limit, using: &generator)] = .random(
          in: 0...255, using: &generator)
      }
      try cka.folder.write(bytes, to: "mutant")
      let run = try cka("compare", "mutant", "--device", "cpu", "--force", "--batch-size", "8")
      if run.code == 0 {
        _ = try TestResult(cka)
      } else {
        #expect(run.code == 65 && run.output.isEmpty, "round \(round): \(run.errors)")
        #expect(run.errorLines.last?.hasPrefix("cka: error: mutant: ") == true, "\(run.errors)")
      }
    }
  }
}

extension Cka {
  /// Runs `cka` and tells its largest resident memory in bytes; nil without Python.
  ///
  /// The kernel lets a child begin with its parent's peak, so that a small process must stand
  /// between these tests and the command.
  func runMeasuringMemory(_ arguments: [String]) throws -> (run: Run, peak: Int?) {
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/python3") else {
      return (try run(arguments), nil)
    }
    let notes = try TemporaryFolder()
    let script = """
      import resource, subprocess, sys
      code = subprocess.call(sys.argv[2:])
      usage = resource.getrusage(resource.RUSAGE_CHILDREN)
      open(sys.argv[1], "w").write(str(usage.ru_maxrss * 1024))
      sys.exit(code if code >= 0 else 128 - code)
      """
    var other = self
    other.prefix = ["/usr/bin/python3", "-c", script, "\(notes.path)/peak"]
    let run = try other.run(arguments)
    return (run, try Int(String(contentsOfFile: "\(notes.path)/peak", encoding: .utf8)))
  }
}
