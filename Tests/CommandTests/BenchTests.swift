import Foundation
import TestSupport
import Testing

/// `cka-bench`, built beside these tests.
struct BenchTests {
  @Test func quickIsRight() throws {
    let folder = try TemporaryFolder()
    let bench = URL(fileURLWithPath: Cka.path).deletingLastPathComponent().path + "/cka-bench"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: bench)
    process.arguments = ["--quick", "--device", "cpu", "--json", "bench.json"]
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let data = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/bench.json"))
    let json = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(json["format"] as? String == "cka-bench/1")
    let row = try #require((json["rows"] as? [[String: Any]])?.first)
    #expect(try #require(row["gigaflops"] as? Double) > 0)
    // The stated accuracy.
    #expect(try #require(row["error"] as? Double) < 1e-5)
  }
}
