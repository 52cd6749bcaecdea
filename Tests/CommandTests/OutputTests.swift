import Foundation
import Glibc
import TestSupport
import Testing

/// An output folder appears whole or not at all.
@Suite(.serialized) struct OutputTests {
  private static let files = [
    "cka.csv", "cka.npy", "heatmap.png", "heatmap.svg", "result.json", "z.npy",
  ]

  private func expectWhole(_ name: String, in folder: TemporaryFolder) throws {
    #expect(try folder.contents(name) == Self.files)
    let json = try JSONSerialization.jsonObject(with: folder.data("\(name)/result.json"))
    #expect((json as? [String: Any])?["format"] as? String == "cka-result/1")
    #expect(try scores(folder.data("\(name)/cka.npy")).count > 0)
  }

  @Test func leavesWhatIsThereAlone() throws {
    let folder = try TemporaryFolder()
    try folder.writeModel("m", examples: 9)
    try folder.write("mine", to: "cka-result/notes.txt")
    for arguments in [["m"], ["m", "--force"]] {
      let result = try Command.compare(arguments, in: folder)
      #expect(result.status == 73)
      #expect(result.messages.count == 1 && result.errors.contains("cka-result"))
      #expect(try folder.contents("cka-result") == ["notes.txt"])
    }
    let onFile = try Command.compare(["m", "--output", "m/conv1.npy", "--force"], in: folder)
    #expect(onFile.status == 73 && onFile.messages.count == 1)
    let belowFile = try Command.compare(["m", "--output", "m/conv1.npy/r"], in: folder)
    #expect(belowFile.status == 73 && belowFile.messages.count == 1)
    #expect(try folder.contents("m") == ["conv1.npy", "logits.npy", "relu1.npy"])
  }

  @Test func replacesAResultOnRequest() throws {
    let folder = try TemporaryFolder()
    try folder.writeModel("m", examples: 9)
    #expect(try Command.compare(["m", "--output", "r"], in: folder).status == 0)
    try folder.write("old", to: "r/extra.txt")
    #expect(try Command.compare(["m", "--output", "r"], in: folder).status == 73)
    #expect(folder.has("r/extra.txt"))
    #expect(try Command.compare(["m", "--output", "r/", "--force"], in: folder).status == 0)
    try expectWhole("r", in: folder)
    #expect(try Command.compare(["m", "--output", "deep/er/r"], in: folder).status == 0)
    try expectWhole("deep/er/r", in: folder)
  }

  /// A file that may not grow past some KiB stands for a full disk.
  @Test(arguments: [0, 1, 4, 16]) func aFullDiskLeavesNothing(blocks: Int) throws {
    let folder = try TemporaryFolder()
    try folder.writeModel("m", examples: 9)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c",
      """
      '\(Command.path)' compare --device cpu m --output old --quiet || exit 99
      ulimit -f \(blocks)
      '\(Command.path)' compare --device cpu m --output r --quiet 2>/dev/null || echo $? | true
      '\(Command.path)' compare --device cpu m --output old --force --quiet 2>/dev/null
      """,
    ]
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 74)
    #expect(try folder.contents() == ["m", "old"])
    try expectWhole("old", in: folder)
  }

  /// Killed at twenty moments from the start to the end, with and without an older result.
  @Test func aKillLeavesAWholeFolderOrNone() throws {
    let folder = try TemporaryFolder()
    try folder.writeModel("m", layers: (0..<150).map { "layer\($0)" }, examples: 16)
    let start = Date()
    #expect(try Command.compare(["m", "--output", "old"], in: folder).status == 0)
    let whole = Date().timeIntervalSince(start)
    var killed = 0
    for moment in 0..<20 {
      let output = moment % 2 == 0 ? "new" : "old"
      let process = try Command.start(
        ["compare", "--device", "cpu", "m", "--output", output, "--force"], in: folder)
      usleep(UInt32(whole * 1e6 * Double(moment + 1) / 20))
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      if process.terminationReason == .uncaughtSignal { killed += 1 }
      try expectWhole("old", in: folder)
      if folder.has("new") { try expectWhole("new", in: folder) }
    }
    #expect(killed >= 5)
    // What a killed run left aside goes with the next run.
    try folder.write("x", to: ".new.partial-999999999/cka.npy")
    #expect(try Command.compare(["m", "--output", "new", "--force"], in: folder).status == 0)
    #expect(try folder.contents() == ["m", "new", "old"])
  }
}

@Suite struct OtherCommandTests {
  @Test func plotsAgain() throws {
    let folder = try TemporaryFolder()
    try folder.writeModel("m", examples: 9)
    #expect(try Command.compare(["m", "--output", "r"], in: folder).status == 0)
    let png = try folder.data("r/heatmap.png")
    try FileManager.default.removeItem(atPath: folder.path + "/r/heatmap.png")
    let again = try Command.run(["plot", "r"], in: folder)
    #expect(again.status == 0 && again.output.contains("rows: m"))
    #expect(try folder.data("r/heatmap.png") == png)
    #expect(try Command.run(["plot", "r", "--output", "x.pdf"], in: folder).status == 0)
    #expect(try folder.data("x.pdf").starts(with: Array("%PDF".utf8)))
    #expect(try Command.run(["plot", "r", "--output", "x.pdf"], in: folder).status == 73)
    #expect(try Command.run(["plot", "r", "--output", "x.gif"], in: folder).status == 64)
    #expect(try Command.run(["plot", "m"], in: folder).status == 66)
    try folder.write(NPYFile.bytes([1, 2], shape: [1, 2], type: .float64), to: "r/cka.npy")
    #expect(try Command.run(["plot", "r"], in: folder).status == 65)
    let json = String(decoding: try folder.data("r/result.json"), as: UTF8.self)
    for damaged in [
      String(json.dropLast(40)), json.replacing("cka-result/1", with: "cka-result/9"),
    ] {
      try folder.write(damaged, to: "r/result.json")
      let result = try Command.run(["plot", "r"], in: folder)
      #expect(result.status == 65 && result.messages.count == 1)
    }
  }

  @Test func inspects() throws {
    let folder = try TemporaryFolder()
    try folder.writeModel("m", layers: ["layer10", "layer2"], examples: 9)
    let result = try Command.run(["inspect", "m"], in: folder)
    #expect(result.status == 0 && result.errors.isEmpty)
    let lines = result.output.split(separator: "\n")
    #expect(lines[1].hasPrefix("layer2 ") && lines[2].hasPrefix("layer10 "))
    #expect(lines[1].contains("9 × 12") && lines[1].contains("float32"))
    #expect(lines.last == "m: 2 layers, 9 examples without sample IDs, 864 B")
  }

  @Test func verifiesTheCPU() throws {
    let folder = try TemporaryFolder()
    let result = try Command.run(["verify", "--device", "cpu"], in: folder)
    #expect(result.status == 0 && result.output.hasSuffix("cpu passed\n"))
    #expect(!result.output.contains("FAILED"))
  }

  /// OpenCL's loader without a driver.
  @Test func withoutAnOpenCLDevice() throws {
    let folder = try TemporaryFolder()
    try folder.writeModel("m", examples: 9)
    try FileManager.default.createDirectory(
      atPath: folder.path + "/none", withIntermediateDirectories: true)
    let bare = ["OCL_ICD_VENDORS": folder.path + "/none", "OCL_ICD_FILENAMES": ""]
    let automatic = try Command.run(
      ["compare", "m", "--output", "r"], in: folder, environment: bare)
    #expect(automatic.status == 0)
    #expect(
      automatic.messages.filter { $0.contains("using cpu") }.count == 1
        && automatic.errors.contains("no OpenCL device was found"))
    for device in ["opencl", "opencl:0", "opencl:99"] {
      let named = try Command.run(
        ["compare", "m", "--device", device, "--output", "x"], in: folder, environment: bare)
      #expect(named.status == 69 && named.messages.last?.contains("OpenCL device") == true)
      #expect(!folder.has("x"))
    }
    let devices = try Command.run(["devices"], in: folder, environment: bare)
    #expect(devices.status == 0 && devices.output.contains("auto: using cpu"))
  }

  /// Where there is one, `auto` passes a CPU's OpenCL over and says so.
  @Test func automaticSaysWhatItPassesOver() throws {
    let folder = try TemporaryFolder()
    try folder.writeModel("m", examples: 9)
    let result = try Command.run(["compare", "m", "--device", "opencl:0"], in: folder)
    #expect(result.status == 0, "\(result.errors)")
    let missing = try Command.run(
      ["compare", "m", "--device", "opencl:99", "--output", "x"], in: folder)
    #expect(missing.status == 69 && missing.messages.last?.contains("opencl:0") == true)
    let automatic = try Command.run(["compare", "m", "--output", "y"], in: folder)
    #expect(automatic.status == 0)
    #expect(automatic.messages.filter { $0.contains("using ") }.count == 1)
  }
}
