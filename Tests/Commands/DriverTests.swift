import Foundation
import Testing

/// How the command finds OpenCL drivers that OpenCL's loader does not find by itself.
struct DriverTests {
  /// The library that PoCL's .icd file names.
  private func pocl() throws -> String {
    let folder = "/etc/OpenCL/vendors"
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
    let file = try #require(files.first { $0.hasPrefix("pocl") }, "these tests need PoCL")
    return try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// How many lines of `cka devices` show PoCL's device.
  private func count(_ run: Run) -> Int {
    lines(run.output).filter { $0.hasPrefix("opencl:") && $0.contains("Portable Computing") }.count
  }

  @Test func aDriverThatIsNamedAndRegisteredIsListedOnce() throws {
    var cka = try Cka()
    // libpocl.so.2 for libpocl.so.2.10.0: the same library under another name.
    let name = try pocl().split(separator: ".").prefix(3).joined(separator: ".")
    cka.environment["OCL_ICD_FILENAMES"] = name
    cka.environment["TMPDIR"] = cka.folder.path
    let run = try cka("devices")
    #expect(run.code == 0)
    #expect(count(run) == 1)
    #expect(run.errors == "")
    // What told the loader of the drivers is gone.
    #expect(try cka.contents() == [])
  }

  @Test func aDriverThatCannotBeLoadedIsNamed() throws {
    var cka = try Cka()
    cka.environment["OCL_ICD_FILENAMES"] = "/gone/libvendor.so"
    let devices = try cka("devices")
    #expect(devices.code == 0)
    #expect(devices.output.contains("OCL_ICD_FILENAMES names /gone/libvendor.so: "))
    let verify = try cka("verify", "--device", "opencl:0")
    #expect(verify.code == 69)
    #expect(verify.errorLines.count == 1)
    #expect(verify.errors.contains("OCL_ICD_FILENAMES names /gone/libvendor.so: "))
  }

  @Test func theLoadersOwnVariableDecidesAlone() throws {
    var cka = try Cka()
    cka.environment["OCL_ICD_VENDORS"] = cka.folder.path
    cka.environment["OCL_ICD_FILENAMES"] = try pocl()
    let run = try cka("devices")
    #expect(run.code == 0)
    #expect(run.output.contains("auto: no OpenCL device was found"))
  }
}
