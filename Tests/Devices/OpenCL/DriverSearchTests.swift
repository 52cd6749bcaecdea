import Device
import Foundation
import TestSupport
import Testing

@testable import OpenCLDevice

struct DriverSearchTests {
  /// Libraries that can be loaded, by every name they have.
  private static let present: [String: Int] = [
    "libpocl.so.2": 1, "libpocl.so.2.10.0": 1, "/opt/pocl/libpocl.so": 1,
    "libnvidia-opencl.so.1": 2, "/usr/local/nvidia/lib64/libnvidia-opencl.so.1": 2,
    "/opt/rocm/lib/libamdocl64.so": 3,
  ]

  /// What the loader is told on a machine with these variables, .icd files and libraries.
  private func drivers(
    _ environment: [String: String] = [:], registered: [String] = [],
    present: [String: Int] = present
  ) throws -> [String]? {
    try DriverSearch(environment: environment, registered: registered) {
      (name) throws(DriverSearch.LoadFailure) in
      guard let library = present[name] else {
        throw DriverSearch.LoadFailure(reason: "no \(name) here")
      }
      return DriverSearch.Library(rawValue: library)
    }.drivers()
  }

  @Test func registeredDriversAreLeftToTheLoader() throws {
    #expect(try drivers(registered: ["libpocl.so.2"]) == nil)
    // Even where the library is gone: the machine's owner has decided.
    #expect(try drivers(registered: ["libgone.so"]) == nil)
    #expect(try drivers(["OCL_ICD_FILENAMES": ""], registered: ["libpocl.so.2"]) == nil)
  }

  @Test func wellKnownDriversAreFoundOnceWhereNoneIsRegistered() throws {
    #expect(try drivers() == ["libnvidia-opencl.so.1", "/opt/rocm/lib/libamdocl64.so"])
    #expect(
      try drivers(present: ["/usr/local/nvidia/lib64/libnvidia-opencl.so.1": 1])
        == ["/usr/local/nvidia/lib64/libnvidia-opencl.so.1"])
    #expect(try drivers(present: [:]) == nil)
  }

  @Test func namedDriversComeBesideTheRegisteredOnes() throws {
    let two = ["OCL_ICD_FILENAMES": "libnvidia-opencl.so.1:/opt/rocm/lib/libamdocl64.so"]
    #expect(try drivers(two) == ["libnvidia-opencl.so.1", "/opt/rocm/lib/libamdocl64.so"])
    #expect(
      try drivers(two, registered: ["libgone.so", "libpocl.so.2"])
        == ["libpocl.so.2", "libnvidia-opencl.so.1", "/opt/rocm/lib/libamdocl64.so"])
  }

  @Test func aLibraryWithSeveralNamesIsUsedOnce() throws {
    let environment = ["OCL_ICD_FILENAMES": "libpocl.so.2:/opt/pocl/libpocl.so"]
    #expect(try drivers(environment) == ["libpocl.so.2"])
    #expect(try drivers(environment, registered: ["libpocl.so.2.10.0"]) == ["libpocl.so.2.10.0"])
  }

  @Test(arguments: ["OCL_ICD_VENDORS", "OPENCL_VENDOR_PATH"])
  func theLoadersOwnVariablesDecideAlone(name: String) throws {
    #expect(try drivers([name: "/somewhere", "OCL_ICD_FILENAMES": "libgone.so"]) == nil)
    #expect(try drivers([name: ""]) == drivers())
  }

  @Test func aNamedDriverThatCannotBeLoadedIsAnError() {
    do {
      _ = try drivers(["OCL_ICD_FILENAMES": "libpocl.so.2:libgone.so"])
      Issue.record("a missing driver was accepted")
    } catch {
      let error = error as? DeviceError
      #expect(error?.kind == .notFound)
      #expect(
        error?.description
          == "loading a driver failed: OCL_ICD_FILENAMES names libgone.so: no libgone.so here")
    }
  }

  @Test func icdFilesAreReadInTheOrderOfTheirNames() throws {
    let folder = try TemporaryFolder()
    try folder.write("libz.so\n", to: "a.icd")
    try folder.write("/opt/liba.so\nsecond line\n", to: "b.icd")
    try folder.write("", to: "c.icd")
    try folder.write("libno.so\n", to: "d.icd.disabled")
    #expect(DriverSearch.registered(in: folder.path) == ["libz.so", "/opt/liba.so"])
    #expect(DriverSearch.registered(in: "\(folder.path)/missing") == [])
  }
}
