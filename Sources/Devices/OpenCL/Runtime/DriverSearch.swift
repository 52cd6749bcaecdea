import Device
import FoundationEssentials
import Glibc

/// Which drivers OpenCL's loader should use, where it would not find them by itself.
///
/// The loader reads the files `NAME.icd` in a folder; each names a driver's library. A container
/// that a GPU is mounted into often has the library and no such file. Loaders differ in the
/// variables they obey: Khronos's reads OCL_ICD_FILENAMES, ocl-icd (Debian's) does not. Both take
/// a folder of .icd files from OCL_ICD_VENDORS, so that is what a program turns the answer into before
/// OpenCL's first call. A library does not: the variables are its process's.
package struct DriverSearch {
  /// The process's variables.
  var environment: [String: String]
  /// The libraries that the .icd files of this machine name.
  var registered: [String]
  /// What `library` is once loaded, the same for two names of one library; throws its reason where
  /// it cannot be loaded.
  var load: (_ library: String) throws(LoadFailure) -> Library

  /// A library that was loaded.
  struct Library: Hashable {
    let rawValue: Int
  }

  /// Why a library could not be loaded, in the dynamic loader's words.
  struct LoadFailure: Error {
    let reason: String
  }

  /// Where the makers of drivers put them, beside the places where libraries are looked for anyway.
  static let wellKnown: [(library: String, folders: [String])] = [
    // What a driver is mounted as where the container has no toolkit that registers it.
    ("libnvidia-opencl.so.1", ["/usr/local/nvidia/lib64", "/run/opengl-driver/lib"]),
    ("libamdocl64.so", ["/opt/rocm/lib", "/opt/amdgpu/lib/x86_64-linux-gnu"]),
    (
      "libigdrcl.so",
      [
        "/usr/lib/x86_64-linux-gnu/intel-opencl", "/usr/lib64/intel-opencl",
        "/usr/lib/intel-opencl",
      ]
    ),
    ("libintelocl.so", ["/opt/intel/oneapi/compiler/latest/lib"]),
  ]

  /// The libraries that the loader should use; nil where it is right without help.
  ///
  /// - Throws: `DeviceError` where the user named a library that cannot be loaded.
  package func drivers() throws(DeviceError) -> [String]? {
    // Who sets one of the loader's own variables decides alone.
    for name in ["OCL_ICD_VENDORS", "OPENCL_VENDOR_PATH"] {
      guard environment[name, default: ""].isEmpty else { return nil }
    }
    let named = environment["OCL_ICD_FILENAMES", default: ""].split(separator: ":").map(String.init)
    guard named.isEmpty else { return try registered(and: named) }
    guard registered.isEmpty else { return nil }
    let found = Self.wellKnown.compactMap { driver in
      ([driver.library] + driver.folders.map { "\($0)/\(driver.library)" })
        .first { (try? load($0)) != nil }
    }
    return found.isEmpty ? nil : found
  }

  /// What is registered and what the user named, each library once: ocl-icd would list the devices
  /// of a library twice that has two names.
  private func registered(and named: [String]) throws(DeviceError) -> [String] {
    var known = Set<Library>()
    var drivers: [String] = []
    for name in registered {
      // The loader passes over what is registered and gone.
      if let library = try? load(name), known.insert(library).inserted { drivers.append(name) }
    }
    for name in named {
      do throws(LoadFailure) {
        if try known.insert(load(name)).inserted { drivers.append(name) }
      } catch {
        throw DeviceError(
          kind: .notFound, call: "loading a driver",
          context: "OCL_ICD_FILENAMES names \(name): \(error.reason)")
      }
    }
    return drivers
  }
}

extension DriverSearch {
  /// The search on this machine.
  package static func onThisMachine() -> DriverSearch {
    DriverSearch(
      environment: ProcessInfo.processInfo.environment,
      registered: registered(in: "/etc/OpenCL/vendors"), load: Self.open)
  }

  /// The first line of every .icd file in `folder`, in the order of the files' names.
  static func registered(in folder: String) -> [String] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return files.filter { $0.hasSuffix(".icd") }.sorted().compactMap { file in
      let text = try? String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
      return text?.split(separator: "\n").first.map(String.init)
    }
  }

  /// Loads a library and leaves it open: OpenCL's loader opens it next, and some drivers do not
  /// survive being closed in between.
  private static func open(_ library: String) throws(LoadFailure) -> Library {
    guard let handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL) else {
      throw LoadFailure(reason: dlerror().map { String(cString: $0) } ?? "it cannot be loaded")
    }
    return Library(rawValue: Int(bitPattern: handle))
  }
}
