// swift-tools-version: 6.1
import PackageDescription

// For tests that do little arithmetic of their own: optimized, their code takes twice as long to compile.
let unoptimized: [SwiftSetting] = [.unsafeFlags(["-Onone"])]

let package = Package(
  name: "cka",
  products: [
    .library(
      name: "CKA",
      targets: [
        "CKA", "Activations", "ActivationFiles", "Analyses", "Device", "DeviceRegistry", "Figures",
        "Inputs", "Report", "ResultFigures", "Results", "Statistics", "SweepStore",
      ]),
    .library(name: "CKAInterface", type: .static, targets: ["CInterface"]),
    .executable(name: "cka", targets: ["CKACommand"]),
    .executable(name: "cka-bench", targets: ["CKABench"]),
  ],
  traits: [
    .default(enabledTraits: ["HDF5"]),
    .trait(name: "HDF5", description: "Reads activations from HDF5 files, through libhdf5."),
    .trait(name: "MPI", description: "mpirun -n N cka sweep: many processes make one sweep."),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
  ],
  targets: [
    // Libraries of the system, each behind a thin module map.
    .systemLibrary(
      name: "COpenCL", path: "Sources/System/COpenCL", pkgConfig: "OpenCL",
      providers: [.apt(["ocl-icd-opencl-dev", "opencl-headers"])]),
    .systemLibrary(
      name: "COpenBLAS", path: "Sources/System/COpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(
      name: "CCairo", path: "Sources/System/CCairo", pkgConfig: "cairo",
      providers: [.apt(["libcairo2-dev"])]),
    .systemLibrary(
      name: "CLibzip", path: "Sources/System/CLibzip", pkgConfig: "libzip",
      providers: [.apt(["libzip-dev"])]),
    .systemLibrary(
      name: "CXXHash", path: "Sources/System/CXXHash", pkgConfig: "libxxhash",
      providers: [.apt(["libxxhash-dev"])]),
    .systemLibrary(
      name: "CZlib", path: "Sources/System/CZlib", pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"])]),
    // With the traits of these names.
    .systemLibrary(
      name: "CHDF5", path: "Sources/System/CHDF5", pkgConfig: "hdf5",
      providers: [.apt(["libhdf5-dev"])]),
    .systemLibrary(
      name: "CMPI", path: "Sources/System/CMPI", pkgConfig: "ompi-c",
      providers: [.apt(["libopenmpi-dev", "openmpi-bin"])]),

    // What runs inside a device.
    .target(name: "CKAKernels", path: "Kernels", exclude: ["OpenCL"]),
    .target(name: "CPUKernels", path: "Sources/Activations/FeatureKernels"),

    // libhdf5 in a process of its own; empty without the trait.
    .target(
      name: "CHDF5Process",
      dependencies: [.target(name: "CHDF5", condition: .when(traits: ["HDF5"]))],
      path: "Sources/Activations/HDF5Process",
      cSettings: [.define("HDF5", .when(traits: ["HDF5"]))]),
    // What everybody needs: how much of the machine there is, and work on all of its processors.
    .target(name: "Support", dependencies: ["CSystem"]),

    // From files to scores: every arrow points to the left in this list.
    .target(
      name: "Activations", dependencies: ["Support"], path: "Sources/Activations/Model"),
    .target(
      name: "ActivationFiles",
      dependencies: [
        "Activations", "CHDF5Process", "CLibzip", "CSystem", "Support",
        .target(name: "CZlib", condition: .when(traits: ["HDF5"])),
      ], path: "Sources/Activations/Files"),
    .target(
      name: "Device", dependencies: ["Activations", "Support"], path: "Sources/Devices/Device"),
    .target(
      name: "Features", dependencies: ["Support", "Activations", "CPUKernels"],
      path: "Sources/Activations/Features"),
    .target(
      name: "LinearAlgebra", dependencies: ["Device", "COpenBLAS"],
      path: "Sources/Devices/LinearAlgebra"),
    .target(
      name: "BLASDevice",
      dependencies: [
        "Support", "Device", "Features", "CPUKernels", "LinearAlgebra", "COpenBLAS",
      ], path: "Sources/Devices/CPU"),
    .target(
      name: "OpenCLDevice",
      dependencies: ["Support", "Device", "Features", "COpenCL", "CKAKernels"],
      path: "Sources/Devices/OpenCL"),
    .target(
      name: "DeviceRegistry", dependencies: ["Device", "BLASDevice", "OpenCLDevice"],
      path: "Sources/Devices/Registry"),
    .target(name: "Statistics", path: "Sources/Analyses/Statistics"),
    .target(
      name: "CKA",
      dependencies: ["Activations", "Device", "Features", "LinearAlgebra", "Support"]),
    .target(
      name: "Analyses",
      dependencies: [
        "Activations", "CKA", "CPUKernels", "Device", "Features", "LinearAlgebra", "Statistics",
        "Support",
      ], path: "Sources/Analyses", exclude: ["Inputs", "Statistics"]),
    // What analyses read beside activations: models by patterns, labels, groups of networks, tables.
    .target(
      name: "Inputs", dependencies: ["ActivationFiles", "Activations", "Analyses", "Support"],
      path: "Sources/Analyses/Inputs"),
    .target(
      name: "SweepStore",
      dependencies: [
        "Support", "Activations", "Device", "CKA", "CPUKernels", "CXXHash",
        .target(name: "CMPI", condition: .when(traits: ["MPI"])),
      ], path: "Sources/Results/Store"),
    .target(
      name: "Results",
      dependencies: [
        "ActivationFiles", "Activations", "Analyses", "CKA", "CSystem", "Device", "Inputs",
        "Statistics", "Support", "SweepStore",
      ], path: "Sources/Results", exclude: ["Store"]),
    .target(
      name: "Figures", dependencies: ["Support", "CCairo", "CZlib"],
      path: "Sources/Figures/Drawing"),

    // Results as one page for a browser.
    .target(name: "CReportPage", path: "Sources/Figures/ReportPage", exclude: ["Page"]),
    .target(
      name: "Report", dependencies: ["Figures", "CReportPage"], path: "Sources/Figures/Report"),
    // Figures and pages of results.
    .target(
      name: "ResultFigures",
      dependencies: [
        "Activations", "Analyses", "CKA", "Device", "Figures", "Inputs", "Report", "Results",
        "Support", "SweepStore",
      ], path: "Sources/Figures/Results"),

    // The interface for other languages.
    .target(name: "CKAHeader", path: "Sources/CInterface/Header"),
    .target(
      name: "CInterface",
      dependencies: [
        "ActivationFiles", "Activations", "Analyses", "CKA", "CKAHeader", "Device",
        "DeviceRegistry", "Figures", "Inputs", "ResultFigures", "Results", "Support", "SweepStore",
      ], path: "Sources/CInterface/Library"),

    // System calls that Swift does not see.
    .target(name: "CSystem", path: "Sources/System/CSystem"),

    // What the two commands share: messages, tables, exit codes, and what they change of their process.
    .target(name: "CProcessSetup", path: "Sources/Commands/ProcessSetup"),
    .target(
      name: "CommandSupport",
      dependencies: [
        "Activations", "COpenBLAS", "CProcessSetup", "Device", "OpenCLDevice", "Support",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ], path: "Sources/Commands/Support"),

    // The two commands.
    .executableTarget(
      name: "CKACommand",
      dependencies: [
        "Analyses", "CKA", "ActivationFiles", "CSystem", "CommandSupport", "DeviceRegistry",
        "Figures", "Inputs", "Report", "ResultFigures", "Results", "Statistics", "Support",
        "SweepStore",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ], path: "Sources/Commands/CKA"),
    .executableTarget(
      name: "CKABench",
      dependencies: [
        "Support",
        "CKA", "ActivationFiles", "CSystem", "CommandSupport", "COpenBLAS", "DeviceRegistry",
        "Figures",
        "OpenCLDevice",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Benchmarks/CKABench"),

    // Tests.
    .testTarget(
      name: "SupportTests", dependencies: ["Support", "TestSupport"], path: "Tests/Support"),
    .target(
      name: "TestSupport", dependencies: ["Activations", "BLASDevice", "Device", "CLibzip"],
      path: "Tests/TestSupport"),
    .testTarget(
      name: "ActivationsTests", dependencies: ["Activations", "TestSupport"],
      path: "Tests/Activations/Model"),
    .testTarget(
      name: "ActivationFilesTests",
      dependencies: ["ActivationFiles", "TestSupport"], path: "Tests/Activations/Files",
      exclude: ["HDF5Files"], swiftSettings: unoptimized),
    .testTarget(
      name: "CPUKernelsTests", dependencies: ["Features", "CPUKernels", "TestSupport"],
      path: "Tests/Activations/Features", swiftSettings: unoptimized),
    .testTarget(name: "DeviceTests", dependencies: ["Device"], path: "Tests/Devices/Device"),
    .testTarget(
      name: "DeviceConformanceTests",
      dependencies: [
        "ActivationFiles", "BLASDevice", "OpenCLDevice", "CPUKernels", "DeviceRegistry", "CKA",
        "Analyses", "SweepStore", "TestSupport",
      ], path: "Tests/Devices/Conformance"),
    .testTarget(
      name: "OpenCLDeviceTests", dependencies: ["OpenCLDevice", "TestSupport"],
      path: "Tests/Devices/OpenCL"),
    .testTarget(
      name: "LinearAlgebraTests", dependencies: ["LinearAlgebra", "COpenBLAS", "TestSupport"],
      path: "Tests/Devices/LinearAlgebra"),
    .testTarget(
      name: "CKATests", dependencies: ["BLASDevice", "CKA", "Support", "TestSupport"],
      path: "Tests/CKA", swiftSettings: unoptimized),
    .testTarget(
      name: "StatisticsTests", dependencies: ["Statistics", "TestSupport"],
      path: "Tests/Analyses/Statistics"),
    .testTarget(
      name: "AnalysesTests",
      dependencies: [
        "ActivationFiles", "Analyses", "BLASDevice", "CKA", "LinearAlgebra", "Statistics",
        "TestSupport",
      ], path: "Tests/Analyses", exclude: ["Statistics"], swiftSettings: unoptimized),
    .testTarget(
      name: "SweepStoreTests",
      dependencies: ["SweepStore", "ActivationFiles", "BLASDevice", "CKA", "TestSupport"],
      path: "Tests/Results/Store", swiftSettings: unoptimized),
    .testTarget(
      name: "ResultsTests", dependencies: ["Figures", "Results", "Support", "TestSupport"],
      path: "Tests/Results", exclude: ["Store"], swiftSettings: unoptimized),
    .testTarget(
      name: "FiguresTests", dependencies: ["Figures", "CCairo"], path: "Tests/Figures/Drawing"),
    .testTarget(
      name: "ReportTests", dependencies: ["Figures", "Report"], path: "Tests/Figures/Report",
      swiftSettings: unoptimized),
    .testTarget(
      name: "CInterfaceTests", dependencies: ["CInterface", "CKAHeader", "TestSupport"],
      path: "Tests/CInterface", exclude: ["C"], swiftSettings: unoptimized),
    // One snippet for each command, which see public names only, as a user's program does.
    .testTarget(
      name: "SnippetTests",
      dependencies: [
        "ActivationFiles", "Activations", "Analyses", "CKA", "DeviceRegistry", "Figures", "Inputs",
        "ResultFigures", "Results", "SweepStore", "TestSupport",
      ], path: "Tests/Snippets", packageAccess: false, swiftSettings: unoptimized),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "ActivationFiles", "Analyses", "CKA", "CKABench", "CKACommand", "Figures", "Inputs",
        "ResultFigures", "Results", "Support", "CommandSupport", "Device",
        "TestSupport",
      ], path: "Tests/Commands",
      // The last that a build compiles: optimized, alone for a minute.
      swiftSettings: unoptimized),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c11
)

// Tests/Fuzz, which Scripts/test-fuzz.sh builds: the readers of files under libFuzzer.
if let runtime = Context.environment["CKA_FUZZER_RUNTIME"] {
  package.targets.removeAll { $0.type == .test || $0.name == "CKACommand" || $0.name == "CKABench" }
  package.products.removeAll { $0.name != "CKA" }
  package.targets.append(
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "ActivationFiles", "BLASDevice", "CKA", "Inputs", "ResultFigures", "Results", "Support",
        "SweepStore",
      ],
      path: "Tests/Fuzz", exclude: ["Results", "Seeds", "make_seeds.py", "words.dict"],
      linkerSettings: [.unsafeFlags([runtime, "-lstdc++"])]))
}
