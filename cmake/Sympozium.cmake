# How this tree is built: one library per folder of src/, its tests beside it, few flags, one precompiled header per layer group.

set(SYMPOZIUM_SANITIZE "" CACHE STRING "sanitizers to build with, as -fsanitize= takes them")

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough
  -Wno-missing-field-initializers -Wno-missing-designated-field-initializers -Wno-gnu-zero-variadic-macro-arguments)
# Everything ends in a position-independent executable; one flag for all, so that libraries and programs share precompiled headers.
add_compile_options(-fPIE)
add_compile_definitions(
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE
  BOOST_ERROR_CODE_HEADER_ONLY)
add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
if(SYMPOZIUM_SANITIZE)
  add_compile_options(-fsanitize=${SYMPOZIUM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SYMPOZIUM_SANITIZE})
endif()

find_package(Threads REQUIRED)
set(OPENSSL_USE_STATIC_LIBS TRUE)
find_package(OpenSSL 3 REQUIRED)
find_library(SQLite3_LIBRARY libsqlite3.a)
find_package(SQLite3 REQUIRED)
find_library(BOOST_JSON libboost_json.a REQUIRED)
find_library(GTEST libgtest.a REQUIRED)
find_library(GTEST_MAIN libgtest_main.a REQUIRED)
find_library(GMOCK libgmock.a REQUIRED)

# Precompiled headers: `pure` for L0, `async` for everything that can wait.
file(WRITE ${CMAKE_BINARY_DIR}/empty.cpp "")
add_library(pch_pure STATIC ${CMAKE_BINARY_DIR}/empty.cpp)
target_precompile_headers(pch_pure PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch_pure.h)
add_library(pch_async STATIC ${CMAKE_BINARY_DIR}/empty.cpp)
target_precompile_headers(pch_async PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch_async.h)

# sympozium_library(NAME [PURE] [DEPENDS folder…] [TEST_DEPENDS folder…] [LINK library…])
# The library of src/NAME: every *.cpp below it but the tests; the tests become NAME_test and one ctest entry.
function(sympozium_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "PURE" "" "DEPENDS;TEST_DEPENDS;LINK")
  string(REPLACE "/" "_" target ${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  if(arg_PURE)
    set(pch pch_pure)
  else()
    set(pch pch_async)
  endif()
  list(TRANSFORM arg_DEPENDS REPLACE "/" "_")
  list(TRANSFORM arg_DEPENDS PREPEND sympozium_)
  list(TRANSFORM arg_TEST_DEPENDS PREPEND sympozium_)
  if(NOT sources)  # headers only
    add_library(sympozium_${target} INTERFACE)
    target_include_directories(sympozium_${target} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(sympozium_${target} INTERFACE ${arg_DEPENDS} ${arg_LINK} ${BOOST_JSON} Threads::Threads)
    return()
  endif()
  add_library(sympozium_${target} STATIC ${sources})
  target_include_directories(sympozium_${target} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(sympozium_${target} PUBLIC ${arg_DEPENDS} ${arg_LINK} ${BOOST_JSON} Threads::Threads)
  target_precompile_headers(sympozium_${target} REUSE_FROM ${pch})
  if(tests)
    sympozium_test(${target}_test LABEL fast SOURCES ${tests} LINK sympozium_${target} ${arg_TEST_DEPENDS})
    target_precompile_headers(${target}_test REUSE_FROM ${pch})
  endif()
endfunction()

# What tools/test-full builds in the sanitizer presets: sanitized_tests is all that needs no machine of its own, threaded_tests is
# what has threads or sockets (label `threaded`).
add_custom_target(sanitized_tests)
add_custom_target(threaded_tests)
set(SYMPOZIUM_THREADED_TESTS io_test sqlite_test journal_test controller_test apiserver_test node_test)

# sympozium_test(NAME LABEL label… SOURCES file… [LINK library…] [TIMEOUT seconds])
function(sympozium_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LABEL;SOURCES;LINK")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  if(SYMPOZIUM_SANITIZE)  # several times slower
    math(EXPR arg_TIMEOUT "4 * ${arg_TIMEOUT}")
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINK} sympozium_test_support ${GMOCK} ${GTEST_MAIN} ${GTEST})
  if(name IN_LIST SYMPOZIUM_THREADED_TESTS)
    list(APPEND arg_LABEL threaded)
    add_dependencies(threaded_tests ${name})
  endif()
  if(arg_LABEL MATCHES "fast|contract|fault")
    add_dependencies(sanitized_tests ${name})
  endif()
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABEL}" TIMEOUT ${arg_TIMEOUT})
  if(NOT arg_LABEL MATCHES "fast")  # may use the stock control plane, or this machine's cgroups: one at a time
    set_tests_properties(${name} PROPERTIES RESOURCE_LOCK machine)
  endif()
endfunction()

# sympozium_program(NAME [DYNAMIC] SOURCES file… LINK library…)
# A shipped program: static-pie without NSS (see docs/adr/0006-static-programs.md); dynamic when it says so, and under sanitizers.
set(SYMPOZIUM_BANNED_SYMBOLS getaddrinfo getnameinfo gethostbyname gethostbyaddr gethostbyname_r gethostbyaddr_r
  getpwnam getpwuid getpwnam_r getpwuid_r getgrnam getgrgid getgrnam_r getgrgid_r getservbyname getservbyport
  getservbyname_r getservbyport_r dlopen dlsym iconv_open)
function(sympozium_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "DYNAMIC" "" "SOURCES;LINK")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINK})
  target_precompile_headers(${name} REUSE_FROM pch_async)
  if(arg_DYNAMIC)
    target_link_options(${name} PRIVATE -pie -Wl,--gc-sections)
  elseif(NOT SYMPOZIUM_SANITIZE)
    target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src/apps/banned.cpp)
    list(TRANSFORM SYMPOZIUM_BANNED_SYMBOLS PREPEND "-Wl,--wrap=" OUTPUT_VARIABLE wraps)
    target_link_options(${name} PRIVATE -static-pie -Wl,--pack-dyn-relocs=relr -Wl,--gc-sections ${wraps})
  endif()
  if(CMAKE_CXX_FLAGS MATCHES "-O2")
    target_link_options(${name} PRIVATE -s)
  endif()
endfunction()
